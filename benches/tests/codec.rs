//! Every contender does its work, and ours allocates nothing where it promises so.

use benches::codec::contenders::{cases, names};
use benches::codec::mirror::{BorrowedFile, BorrowedInbound};

#[test]
fn every_contender_runs_and_ours_allocates_nothing() {
    for case in cases() {
        for mut operation in case.operations {
            for contender in &mut operation.contenders {
                contender.run(1);
            }
            assert_eq!(operation.contenders[0].name, names::OURS);
            let is_ours = |name| [names::OURS, names::ROUTE].contains(&name);
            // Their buffers have grown to what they need.
            for ours in operation.contenders.iter_mut().filter(|contender| is_ours(contender.name)) {
                let allocations = allocation_counter::measure(|| ours.run(1)).count_total;
                if operation.name != names::OWN {
                    assert_eq!(allocations, 0, "{} of a {}", operation.name, case.name);
                } else {
                    assert!(allocations > 0, "else nothing was counted");
                }
            }
        }
    }
}

/// Ratios mean nothing between programs that do different things.
#[test]
fn peers_write_what_we_write() {
    for case in cases() {
        let theirs = match codec::InboundView::decode(&case.bytes) {
            Ok(view) => rmp_serde::to_vec_named(&BorrowedInbound::from(view)).unwrap(),
            Err(_) => {
                let view = codec::OutboundView::decode(&case.bytes).unwrap();
                rmp_serde::to_vec_named(&BorrowedFile::from(view)).unwrap()
            }
        };
        assert_eq!(theirs, case.bytes, "{}", case.name);
    }
}
