//! Where a template stands: in the settings, or in a file with others beside it that it takes in.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use minijinja::{Environment, Error};

/// What a template of the settings is called where it is wrong.
const INLINE: &str = "prompt.system";

/// See the module.
#[derive(Debug)]
pub(super) struct Source {
    name: String,
    /// The files that were read, by their paths. A turn never waits for a disk, so each is read once.
    read: Arc<Mutex<BTreeMap<PathBuf, Read>>>,
}

#[derive(Debug)]
struct Read {
    text: String,
    stamp: Stamp,
}

/// When a file was changed last, and its length.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

impl Source {
    /// Gives the environment the template that the settings name.
    pub(super) fn load(settings: &service::Prompt, environment: &mut Environment<'static>) -> Result<Self, String> {
        let read = Arc::<Mutex<BTreeMap<PathBuf, Read>>>::default();
        let invalid = |error: Error| format!("is no valid template: {error}");
        let Some(file) = &settings.system_file else {
            environment.add_template_owned(INLINE, settings.system.clone()).map_err(invalid)?;
            return Ok(Self { name: INLINE.into(), read });
        };
        let unreadable = |error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", file.display());
        let name = file.file_name().and_then(|name| name.to_str()).ok_or_else(|| unreadable(&"it names no file"))?;
        // To say so in its own words: a template that is not found is one of several reasons else.
        fs::metadata(file).map_err(|error| unreadable(&error))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let (noted, folder) = (Arc::clone(&read), folder.to_owned());
        environment.set_loader(move |name| {
            // Of this folder and what is below it.
            if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
                return Ok(None);
            }
            let (path, mut read) = (folder.join(name), noted.lock().unwrap_or_else(PoisonError::into_inner));
            if let Some(known) = read.get(&path) {
                return Ok(Some(known.text.clone()));
            }
            // Before the text: what is changed in between is stale at once.
            let stamp = stamp(&path);
            match fs::read_to_string(&path) {
                Ok(text) => {
                    read.insert(path, Read { text: text.clone(), stamp });
                    Ok(Some(text))
                }
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::new(minijinja::ErrorKind::InvalidOperation, format!("{name}: {error}"))),
            }
        });
        environment.get_template(name).map_err(invalid)?;
        Ok(Self { name: name.to_owned(), read })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn stale(&self) -> Option<Vec<Stamp>> {
        let known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<_> = known.iter().map(|(path, read)| (path.clone(), read.stamp)).collect();
        let now: Vec<Stamp> = known.iter().map(|(path, _)| stamp(path)).collect();
        let is_stale = now.iter().zip(&known).any(|(now, (_, known))| now != known);
        is_stale.then_some(now)
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
