//! The folder against a list that does the same the plain way, over any steps, starts anew and damage among them.

use proptest::{collection::vec, prelude::*};

use super::*;

const BOUND: u64 = 100;

/// The files of the tests: of so many bytes each, one of them too large to be kept.
const SIZES: [usize; 8] = [0, 1, 20, 30, 40, 60, 100, 101];

fn file(number: usize) -> (Digest, Vec<u8>) {
    let data = vec![u8::try_from(number).unwrap(); SIZES[number]];
    (Digest::of(&data), data)
}

#[derive(Debug, Clone)]
enum Step {
    Put(usize),
    Get(usize),
    /// A person writes over it.
    Damage(usize),
    /// A person removes it.
    Remove(usize),
    /// The process ends, with a file half written, and starts again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..SIZES.len();
    prop_oneof![
        4 => number.clone().prop_map(Step::Put),
        4 => number.clone().prop_map(Step::Get),
        1 => number.clone().prop_map(Step::Damage),
        1 => number.prop_map(Step::Remove),
        1 => Just(Step::Restart),
    ]
}

/// What should be held, the oldest first, and whether it is sound.
#[derive(Debug, Default)]
struct Model(Vec<(usize, bool)>);

impl Model {
    fn take(&mut self, number: usize) -> Option<bool> {
        let at = self.0.iter().position(|(other, _)| *other == number)?;
        Some(self.0.remove(at).1)
    }

    fn put(&mut self, number: usize) {
        if SIZES[number] as u64 > BOUND {
            return;
        }
        // One that is there is used, and not written again: that it is damaged is not known yet.
        let is_sound = self.take(number).unwrap_or(true);
        self.0.push((number, is_sound));
        while self.0.iter().map(|(number, _)| SIZES[*number] as u64).sum::<u64>() > BOUND {
            self.0.remove(0);
        }
    }

    fn get(&mut self, number: usize) -> Found {
        match self.take(number) {
            None => Found::Nothing,
            Some(false) => Found::Damaged,
            Some(true) => {
                self.0.push((number, true));
                Found::Whole(file(number).1.into())
            }
        }
    }
}

fn bytes_in(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

proptest! {
    #[test]
    fn it_does_as_the_list_does(steps in vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let path = |number: usize| folder.path().join(file(number).0.to_string());
        let mut disk = Disk::open(folder.path(), BOUND).unwrap();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Put(number) => {
                    let (digest, data) = file(number);
                    disk.put(&digest, &data).unwrap();
                    model.put(number);
                }
                Step::Get(number) => prop_assert_eq!(disk.get(&file(number).0), model.get(number)),
                Step::Damage(number) if path(number).exists() && SIZES[number] > 0 => {
                    // Of the same size and age, so that a listing shows nothing of it.
                    let at = path(number).metadata().unwrap().modified().unwrap();
                    std::fs::write(path(number), vec![0xff; SIZES[number]]).unwrap();
                    File::options().write(true).open(path(number)).unwrap().set_modified(at).unwrap();
                    model.0.iter_mut().filter(|(other, _)| *other == number).for_each(|(_, is_sound)| *is_sound = false);
                }
                Step::Remove(number) if path(number).exists() => {
                    std::fs::remove_file(path(number)).unwrap();
                    model.0.iter_mut().filter(|(other, _)| *other == number).for_each(|(_, is_sound)| *is_sound = false);
                }
                Step::Damage(_) | Step::Remove(_) => {}
                Step::Restart => {
                    drop(disk);
                    let half = folder.path().join(format!("{}{UNFINISHED}", file(5).0));
                    std::fs::write(&half, "half").unwrap();
                    disk = Disk::open(folder.path(), BOUND).unwrap();
                    prop_assert!(!half.exists());
                    // A listing shows what is gone.
                    model.0.retain(|(number, _)| path(*number).exists());
                }
            }
            let expected: u64 = model.0.iter().map(|(number, _)| SIZES[*number] as u64).sum();
            prop_assert_eq!(disk.bytes(), expected);
            prop_assert!(bytes_in(folder.path()) <= BOUND);
        }
    }
}

#[test]
fn many_who_put_the_same_make_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path(), BOUND).unwrap();
    let (digest, data) = file(5);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    disk.put(&digest, &data).unwrap();
                    assert_eq!(disk.get(&digest), Found::Whole(data.clone().into()));
                }
            });
        }
    });
    assert_eq!((disk.bytes(), bytes_in(folder.path())), (60, 60));
}

/// Each pushes the others' out, and what is read is whole or not there.
#[test]
fn many_who_put_others_stay_within_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path(), BOUND).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let disk = &disk;
            scope.spawn(move || {
                for round in 0..40 {
                    let (digest, data) = file(2 + (thread + round) % 4);
                    disk.put(&digest, &data).unwrap();
                    let found = disk.get(&digest);
                    // It may go between the look at the list and the one at the folder.
                    assert!(found != Found::Whole(Bytes::new()), "{found:?}");
                    assert!(disk.bytes() <= BOUND);
                }
            });
        }
    });
    assert_eq!(bytes_in(folder.path()), disk.bytes());
}

#[test]
fn a_smaller_bound_holds_from_the_start_on() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::open(folder.path(), BOUND).unwrap();
    for number in [3, 4, 2] {
        disk.put(&file(number).0, &file(number).1).unwrap();
    }
    disk.get(&file(3).0);
    drop(disk);
    std::fs::write(folder.path().join("README"), "not ours").unwrap();
    let disk = Disk::open(folder.path(), 50).unwrap();
    assert_eq!(disk.bytes(), 50, "the two that were used last");
    assert_eq!(disk.get(&file(3).0), Found::Whole(file(3).1.into()));
    assert_eq!(disk.get(&file(4).0), Found::Nothing);
    assert!(folder.path().join("README").exists());
}

#[test]
fn a_folder_has_one_user() {
    let folder = tempfile::tempdir().unwrap();
    let first = Disk::open(folder.path(), BOUND).unwrap();
    assert_eq!(Disk::open(folder.path(), BOUND).unwrap_err().to_string(), "another process uses it");
    drop(first);
    Disk::open(folder.path(), BOUND).unwrap();
}
