//! The system prompt: a Jinja template of the operator's. What people wrote goes in as values, never as template.

mod source;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use source::Source;
pub(crate) use source::Stamp;

/// Steps that one rendering may take.
const FUEL: u64 = 100_000;

/// A template that was found to be sound.
#[derive(Debug)]
pub(crate) struct Prompt {
    environment: Environment<'static>,
    source: Source,
    persona: String,
}

/// What the template may use.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// Who the assistant is, where that is another one than the settings say.
    pub(crate) persona: Option<&'a str>,
    pub(crate) platform: &'a str,
    pub(crate) room: Option<&'a str>,
    pub(crate) is_dm: bool,
    pub(crate) user: &'a str,
    /// Who has said something lately, the latest first.
    pub(crate) people: Vec<Person<'a>>,
    /// Now, as text like `2026-11-21T18:00:00Z`.
    pub(crate) now: &'a str,
}

/// Somebody in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: &'a str,
}

impl Prompt {
    /// Reads the template, and tries it with made-up facts.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(settings: &service::Prompt) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let source = Source::load(settings, &mut environment)?;
        let prompt = Self { environment, source, persona: settings.persona.clone().unwrap_or_default() };
        for (is_dm, room) in [(true, None), (false, Some("room")), (false, None)] {
            let people = vec![Person { name: "someone", id: "1" }];
            let now = "2026-01-01T00:00:00Z";
            let facts = Facts { persona: None, platform: "webchat", room, is_dm, user: "someone", people, now };
            prompt.render(&facts).map_err(|error| format!("cannot be rendered: {error}"))?;
        }
        Ok(prompt)
    }

    /// Renders the prompt for one turn.
    ///
    /// # Errors
    /// What the template met with these facts.
    pub(crate) fn render(&self, facts: &Facts<'_>) -> Result<String, minijinja::Error> {
        let person = |person: &Person<'_>| context! { name => person.name, id => person.id };
        self.environment.get_template(self.source.name())?.render(context! {
            persona => facts.persona.unwrap_or(&self.persona),
            platform => facts.platform,
            room => facts.room,
            is_dm => facts.is_dm,
            user => facts.user,
            people => facts.people.iter().map(person).collect::<Vec<Value>>(),
            now => facts.now,
        })
    }

    /// How its files are now, where one has changed since it was read. Looks at the disk.
    pub(crate) fn stale(&self) -> Option<Vec<Stamp>> {
        self.source.stale()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn prompt(system: &str) -> Result<Prompt, String> {
        Prompt::new(&service::Prompt { system: system.into(), system_file: None, persona: Some("a crab".into()) })
    }

    fn facts<'a>(room: &'a str, user: &'a str) -> Facts<'a> {
        let people = vec![Person { name: "Mira", id: "7" }, Person { name: "Ada", id: "8" }];
        Facts { persona: None, platform: "webchat", room: Some(room), is_dm: false, user, people, now: "" }
    }

    #[test]
    fn facts_are_values_not_templates() {
        let made = prompt("{{ user }} in {{ room }}").unwrap().render(&facts("{{ 1 + 1 }}", "{% raw %}")).unwrap();
        assert_eq!(made, "{% raw %} in {{ 1 + 1 }}");
        let made = prompt("{{ persona }}: {% for one in people %}{{ one.name }} <@{{ one.id }}> {% endfor %}").unwrap();
        assert_eq!(made.render(&facts("r", "u")).unwrap(), "a crab: Mira <@7> Ada <@8> ");
    }

    #[test]
    fn faults_are_found_before_the_first_turn() {
        assert!(prompt("{{ user").unwrap_err().contains("no valid template"));
        let only = |when: &str| prompt(&format!("{{% if {when} %}}{{{{ usr }}}}{{% endif %}}"));
        assert!(only("is_dm").is_err() && only("not is_dm").is_err());
        assert!(prompt("{{ usr }}").unwrap_err().contains("cannot be rendered"));
        assert!(prompt("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}").is_err());
    }

    #[test]
    fn a_file_may_take_others_of_its_folder_in_and_tells_when_one_changes() {
        let folder = tempfile::tempdir().unwrap();
        let [system, house] = ["system.j2", "house.j2"].map(|name| folder.path().join(name));
        fs::write(&system, "{% include 'house.j2' %} {{ user }}").unwrap();
        fs::write(&house, "be kind").unwrap();
        let settings = service::Prompt { system: String::new(), system_file: Some(system.clone()), persona: None };
        let prompt = Prompt::new(&settings).unwrap();
        assert_eq!(prompt.render(&facts("r", "Ada")).unwrap(), "be kind Ada");
        assert!(prompt.stale().is_none());
        fs::write(&house, "be very kind").unwrap();
        assert!(prompt.stale().is_some());
        assert_eq!(prompt.render(&facts("r", "Ada")).unwrap(), "be kind Ada", "it is as it was read");
        fs::write(&system, "{% include '../secret' %}").unwrap();
        assert!(Prompt::new(&settings).unwrap_err().contains("secret"));
        fs::write(&system, "one\n{{ usr }}").unwrap();
        let fault = Prompt::new(&settings).unwrap_err();
        assert!(fault.contains("system.j2:2"), "{fault}");
    }
}
