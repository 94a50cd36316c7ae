//! The system prompt: a Jinja template of the operator's. What people wrote goes in as values, never as template.

use minijinja::{Environment, UndefinedBehavior, context};

/// Steps that one rendering may take.
const FUEL: u64 = 100_000;
const NAME: &str = "system";

/// A template that was found to be sound.
#[derive(Debug)]
pub(crate) struct Prompt {
    environment: Environment<'static>,
}

/// What the template may use.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) platform: &'a str,
    pub(crate) room: Option<&'a str>,
    pub(crate) is_dm: bool,
    pub(crate) user: &'a str,
    /// Now, as text like `2026-11-21T18:00:00Z`.
    pub(crate) now: &'a str,
}

impl Prompt {
    /// Reads the template, and tries it with made-up facts.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(settings: &service::Prompt) -> Result<Self, String> {
        let source = match &settings.system_file {
            None => settings.system.clone(),
            Some(file) => {
                std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?
            }
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.add_template_owned(NAME, source).map_err(|error| format!("is no valid template: {error}"))?;
        let prompt = Self { environment };
        for is_dm in [true, false] {
            let room = (!is_dm).then_some("room");
            let facts = Facts { platform: "webchat", room, is_dm, user: "someone", now: "2026-01-01T00:00:00Z" };
            prompt.render(&facts).map_err(|error| format!("cannot be rendered: {error}"))?;
        }
        Ok(prompt)
    }

    /// Renders the prompt for one turn.
    ///
    /// # Errors
    /// What the template met with these facts.
    pub(crate) fn render(&self, facts: &Facts<'_>) -> Result<String, minijinja::Error> {
        self.environment.get_template(NAME)?.render(context! {
            platform => facts.platform,
            room => facts.room,
            is_dm => facts.is_dm,
            user => facts.user,
            now => facts.now,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(system: &str) -> Result<Prompt, String> {
        Prompt::new(&service::Prompt { system: system.into(), system_file: None })
    }

    #[test]
    fn facts_are_values_not_templates() {
        let prompt = prompt("{{ user }} in {{ room }}").unwrap();
        let facts = Facts { platform: "webchat", room: Some("{{ 1 + 1 }}"), is_dm: false, user: "{% raw %}", now: "" };
        assert_eq!(prompt.render(&facts).unwrap(), "{% raw %} in {{ 1 + 1 }}");
    }

    #[test]
    fn faults_are_found_before_the_first_turn() {
        assert!(prompt("{{ user").unwrap_err().contains("no valid template"));
        let only = |when: &str| prompt(&format!("{{% if {when} %}}{{{{ usr }}}}{{% endif %}}"));
        assert!(only("is_dm").is_err() && only("not is_dm").is_err());
        assert!(prompt("{{ usr }}").unwrap_err().contains("cannot be rendered"));
        assert!(prompt("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}").is_err());
    }
}
