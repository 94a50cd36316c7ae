//! One turn of a conversation: history, context, prompt, model, reply.

pub mod model;
