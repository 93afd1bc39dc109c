import Artifacts
import Foundation

/// The file that a reader is given: in memory, without a name in the file system.
private let descriptor = {
  let name = "/dev/shm/dd2-fuzz.\(getpid())"
  defer { unlink(name) }
  return open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
}()
private let path = "/proc/self/fd/\(descriptor)"
private let reader = getenv("DD2_FUZZ_READER").flatMap { FuzzedReader(rawValue: String(cString: $0)) }

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput") public func readOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let reader, descriptor >= 0 else { fatalError("DD2_FUZZ_READER names no reader") }
  guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, count, 0) == count else {
    fatalError("the file cannot be written")
  }
  do {
    try reader.read(path)
  } catch let error as ArtifactError {
    if let fault = FuzzedReader.fault(of: error) { fatalError(fault) }
  } catch {
    fatalError("an error of another type: \(error)")
  }
  return 0
}

@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int) -> Int

/// What libFuzzer calls for an input from another. Checksums of PNG files are made right again: hardly a change would come
/// by them.
@_cdecl("LLVMFuzzerCustomMutator")
public func change(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int, _ seed: CUnsignedInt) -> Int {
  let count = mutate(bytes, count, capacity)
  let file = UnsafeMutableRawBufferPointer(start: bytes, count: count)
  guard file.starts(with: [0x89, 0x50, 0x4E, 0x47]) else { return count }
  var position = 8
  while position + 12 <= count {
    let length = Int(UInt32(bigEndian: file.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
    guard length <= count - position - 12 else { break }
    let checksum = crc(UnsafeRawBufferPointer(rebasing: file[position + 4..<position + 8 + length]))
    file.storeBytes(of: checksum.bigEndian, toByteOffset: position + 8 + length, as: UInt32.self)
    position += 12 + length
  }
  return count
}

/// CRC-32, bit by bit.
private func crc(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
  var sum: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    sum ^= UInt32(byte)
    for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : (sum >> 1) ^ 0xEDB8_8320 }
  }
  return ~sum
}
