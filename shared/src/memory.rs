//! Returns memory to the system after large requests.

use std::hint::black_box;
use std::time::Duration;

/// The size of a large request or response.
const LARGE_BYTES: usize = 256 << 10;

/// The delay before freed memory is returned. The allocator itself waits a second in case it is
/// needed again (mimalloc 3, `purge_delay`).
const GIVE_BACK_AFTER: Duration = Duration::from_millis(1500);

/// An allocation large enough to bypass the allocator's pages of small blocks.
const PIECE_BYTES: usize = 1 << 20;

/// Makes the allocator return the memory of a large request to the system.
///
/// The allocator returns memory freed a second ago when it next allocates or frees a large block.
/// An idle handler does neither, so this allocates one for that purpose.
pub(crate) fn give_back_after(request_bytes: usize, answer_bytes: usize) {
    if request_bytes.max(answer_bytes) >= LARGE_BYTES {
        tokio::spawn(async {
            tokio::time::sleep(GIVE_BACK_AFTER).await;
            drop(black_box(Vec::<u8>::with_capacity(PIECE_BYTES)));
        });
    }
}
