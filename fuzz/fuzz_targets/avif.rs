#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| imaging_fuzz::run(imaging::Format::Avif, data));
