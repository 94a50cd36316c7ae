//! What stands under a `media_key`: a file that travels beside the stream, or why it does not.

use bytes::Bytes;

use crate::envelope::envelope;
use crate::limits;
use crate::schema::Bound;

envelope! {
    /// A file beside the stream. One with an `error` has no bytes, and never will: who waits for them need not go on.
    MediaRecord, MediaRecordView, named "media", under "", at most limits::MEDIA_BYTES;

    /// Media type, as its source says.
    mimetype: String, Written, Bound::up_to(limits::NAME_BYTES), "text/plain".into();
    /// Size of the file in bytes; of one that is not there, as the platform says.
    size: u64, Written, Bound::ANY, 6;
    /// SHA-256 of the bytes, in hex.
    sha256: Option<String>, Optional, Bound::up_to(limits::ID_BYTES),
        Some("199eb18cb5837b9b01d8aaea0b5c2eef0d395288e0b7a1dedd6b511b2fa2efe1".into());
    /// Why there are no bytes, in a word (`too_large`, `status`, `timed_out`, ..). Absent where there are, however few.
    error: Option<String>, Optional, Bound::up_to(limits::ID_BYTES), Some("status".into());
    /// The same for people.
    detail: String, Optional, Bound::up_to(limits::NAME_BYTES), "cdn.example.org answered with status 404".into();
    /// The bytes. Absent for an empty file.
    data: Bytes, Optional, Bound::up_to(limits::FILE_BYTES), Bytes::from_static(b"E0425\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_file_fits_its_record() {
        let data = Bytes::from(vec![7; limits::FILE_BYTES]);
        let record = MediaRecord { size: data.len() as u64, data, ..MediaRecord::example() };
        assert_eq!(record.validate(), Ok(()));
        let bytes = record.to_bytes();
        assert_eq!(MediaRecordView::decode(&bytes).unwrap().data.len(), limits::FILE_BYTES);
        let data = Bytes::from(vec![7; limits::FILE_BYTES + 1]);
        assert_eq!(MediaRecord { data, ..record }.validate().unwrap_err().field, "data");
    }

    #[test]
    fn an_empty_file_is_one_without_an_error() {
        let bytes = MediaRecord::default().to_bytes();
        let view = MediaRecordView::decode(&bytes).unwrap();
        assert_eq!((view.error, view.data), (None, &b""[..]));
    }
}
