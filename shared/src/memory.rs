//! Memory that large requests took.

use std::hint::black_box;
use std::time::Duration;

/// A request or an answer of so many bytes is a large one.
const LARGE_BYTES: usize = 256 << 10;

/// When freed memory is given back. The allocator waits a second itself, in case it is needed again
/// at once (mimalloc 3, `purge_delay`).
const GIVE_BACK_AFTER: Duration = Duration::from_millis(1500);

/// A piece that the allocator takes for itself and not from a page of small ones.
const PIECE_BYTES: usize = 1 << 20;

/// Lets memory that a large request took go back to the system once it is over.
///
/// The allocator gives back what was freed a second ago when it takes or frees the next large
/// piece. A handler without other work does neither, so it does it here for nothing else.
pub(crate) fn give_back_after(request_bytes: usize, answer_bytes: usize) {
    if request_bytes.max(answer_bytes) >= LARGE_BYTES {
        tokio::spawn(async {
            tokio::time::sleep(GIVE_BACK_AFTER).await;
            drop(black_box(Vec::<u8>::with_capacity(PIECE_BYTES)));
        });
    }
}
