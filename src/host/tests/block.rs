//! Images in real files.

use super::*;
use std::os::unix::fs::MetadataExt;

fn raw(path: PathBuf) -> BlockOptions {
    BlockOptions { path, format: Some(Format::Raw), ..BlockOptions::default() }
}

fn image(options: &BlockOptions) -> Box<dyn Block> {
    options.open().unwrap().0
}

fn refusal(options: &BlockOptions) -> String {
    options.open().map(drop).unwrap_err().to_string()
}

#[test]
fn what_is_written_is_in_the_file() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    std::fs::write(&path, vec![1; 8192]).unwrap();
    for cache in [Cache::Writeback, Cache::Writethrough, Cache::Unsafe] {
        let mut block = image(&BlockOptions { cache, ..raw(path.clone()) });
        assert_eq!((block.size(), block.read_only()), (8192, false));
        block.write(512, &[cache as u8 + 2; 1024]).unwrap();
        block.flush().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes[..512] == [1; 512] && bytes[512..1536] == [cache as u8 + 2; 1024] && bytes[1536..] == [1; 6656]);
    }
}

#[test]
fn a_broken_last_sector_is_whole_for_the_guest() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    std::fs::write(&path, vec![1; 700]).unwrap();
    let mut block = image(&raw(path.clone()));
    assert_eq!(block.size(), 1024);
    let mut bytes = [9; 1024];
    block.read(0, &mut bytes).unwrap();
    assert!(bytes[..700] == [1; 700] && bytes[700..] == [0; 324]);
    block.write_zeroes(512, 512).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 700);
    block.write(512, &[2; 512]).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 1024);
}

#[test]
fn ranges_past_the_end_are_errors() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    std::fs::write(&path, vec![0; 1024]).unwrap();
    let mut block = image(&raw(path));
    let mut bytes = [0; 1024];
    assert!(block.read(512, &mut bytes).is_err());
    assert!(block.read(u64::MAX, &mut bytes).is_err());
    assert!(block.write(1024, &bytes[..1]).is_err());
    assert!(block.discard(0, 2048).is_err());
    assert!(block.write_zeroes(1, u64::MAX).is_err());
}

#[test]
fn discards_and_zeros_give_room_back_when_asked_to() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    std::fs::write(&path, vec![1; 1 << 20]).unwrap();
    let mut kept = image(&raw(path.clone()));
    kept.discard(0, 1 << 19).unwrap();
    kept.write_zeroes(1 << 19, 4096).unwrap();
    drop(kept);
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes[..1 << 19].iter().all(|byte| *byte == 1));
    assert!(bytes[1 << 19..][..4096] == [0; 4096] && bytes[(1 << 19) + 4096] == 1);

    let before = std::fs::metadata(&path).unwrap().blocks();
    let mut block = image(&BlockOptions { discard: true, ..raw(path.clone()) });
    block.discard(0, 1 << 19).unwrap();
    let mut bytes = vec![9; 1 << 19];
    block.read(0, &mut bytes).unwrap();
    let after = std::fs::metadata(&path).unwrap().blocks();
    // Where the file system can punch holes, they are there; where it cannot, the bytes are as before.
    assert!(if after < before { bytes.iter().all(|b| *b == 0) } else { bytes.iter().all(|b| *b == 1) });
}

#[test]
fn a_snapshot_leaves_the_file_alone() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    let before: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&path, &before).unwrap();
    let mut expected = before.clone();
    expected.resize(300_032, 0);
    let mut block = image(&BlockOptions { snapshot: true, ..raw(path.clone()) });
    assert!(!block.read_only());
    for (at, length) in [(0, 1), (65_000, 2000), (65_536, 65_536), (200_000, 100_032), (131_000, 70_000)] {
        let bytes: Vec<u8> = (0..length).map(|n| (n * 3 + at) as u8).collect();
        block.write(at as u64, &bytes).unwrap();
        expected[at..at + length].copy_from_slice(&bytes);
    }
    block.write_zeroes(60_000, 140_000).unwrap();
    expected[60_000..200_000].fill(0);
    block.discard(0, 4096).unwrap();
    block.flush().unwrap();
    let mut bytes = vec![0; expected.len()];
    block.read(0, &mut bytes).unwrap();
    assert!(bytes == expected);
    let mut middle = vec![0; 70_000];
    block.read(64_999, &mut middle).unwrap();
    assert!(middle == expected[64_999..134_999]);
    drop(block);
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
fn a_read_only_image_refuses_writes_and_may_be_shared() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    std::fs::write(&path, vec![1; 1024]).unwrap();
    let options = BlockOptions { read_only: true, ..raw(path.clone()) };
    let (mut one, mut two) = (image(&options), image(&options));
    assert!(one.read_only());
    assert!(one.write(0, &[0; 512]).is_err() && one.write_zeroes(0, 512).is_err() && one.discard(0, 512).is_err());
    one.flush().unwrap();
    let mut bytes = [0; 512];
    two.read(512, &mut bytes).unwrap();
    assert_eq!(bytes, [1; 512]);
    assert!(refusal(&raw(path)).starts_with("Failed to get \"write\" lock: is another process using the image '"));
}

#[test]
fn a_written_image_has_one_user_unless_locks_are_off() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    std::fs::write(&path, vec![1; 1024]).unwrap();
    let _first = image(&raw(path.clone()));
    assert!(refusal(&raw(path.clone())).contains("Failed to get \"write\" lock"));
    let reader = BlockOptions { read_only: true, ..raw(path.clone()) };
    assert!(refusal(&reader).contains("Failed to get \"read\" lock"));
    image(&BlockOptions { unlocked: true, ..raw(path) });
}

#[test]
fn a_guessed_format_warns_and_stays_what_it_was() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    std::fs::write(&path, vec![0; 1024]).unwrap();
    let (mut block, warning) = BlockOptions { format: None, ..raw(path.clone()) }.open().unwrap();
    assert!(warning.unwrap().starts_with("WARNING: no format was given for '"));
    assert!(block.write(0, b"QFI\xfb").is_err());
    block.write(0, b"MBR").unwrap();
    block.write(512, b"QFI\xfb").unwrap();
    drop(block);
    let (mut block, warning) = raw(path).open().unwrap();
    assert!(warning.is_none());
    block.write(0, b"QFI\xfb").unwrap();
}

#[test]
fn what_cannot_be_opened_says_why() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    let says = refusal(&raw(path.clone()));
    assert!(says.starts_with("Could not open '") && says.ends_with("': No such file or directory"), "{says}");
    std::fs::write(&path, b"QFI\xfb....").unwrap();
    for format in [None, Some(Format::Qcow2)] {
        let says = refusal(&BlockOptions { format, ..raw(path.clone()) });
        assert!(says.contains("the qcow2 format is not supported yet"), "{says}");
    }
    std::fs::write(&path, b"KDMV....").unwrap();
    assert!(refusal(&BlockOptions { format: None, ..raw(path.clone()) }).contains("looks like vmdk"));
    image(&raw(path));
    let directory = BlockOptions { read_only: true, ..raw(scratch.0.clone()) };
    assert!(refusal(&directory).contains("neither a file nor a block device"));
}

#[test]
fn an_empty_image_is_a_disk_of_no_sectors() {
    let scratch = Scratch::new();
    let path = scratch.path("disk");
    std::fs::write(&path, b"").unwrap();
    let mut block = image(&BlockOptions { snapshot: true, ..raw(path) });
    assert_eq!(block.size(), 0);
    block.read(0, &mut []).unwrap();
    assert!(block.write(0, &[1]).is_err());
}
