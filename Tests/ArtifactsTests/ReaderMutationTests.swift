import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Seeded damage to small files: an error of one line or a sound result, never a crash, and memory stays small.
/// `DD2_MUTATIONS` is the number per format, 2,000 by default.
@Suite(.serialized) struct ReaderMutationTests {
  let folder: TemporaryFolder
  private static let count = ProcessInfo.processInfo.environment["DD2_MUTATIONS"].flatMap(Int.init) ?? 2000

  init() throws { folder = try TemporaryFolder() }

  /// What became of the mutations.
  private struct Outcomes {
    var refused = 0
    var read = 0
  }

  /// Every part of a zip file that matters is under a checksum or checked twice: what is read is the original.
  @Test func damagedZipFilesNeverGiveAnotherNumber() throws {
    let sound = WeightsFixture.zip().bytes
    let outcomes = try mutate(seed: 1, { $0.damaged(sound) }, check: { #expect($0 == WeightsFixture.expected) })
    #expect(outcomes.refused > Self.count / 2)
  }

  /// The pickle is damaged before the checksums are computed.
  @Test func damagedPicklesInSoundZipFiles() throws {
    let pickle = PickleBytes.program(WeightsFixture.dictionary())
    let outcomes = try mutate(seed: 2, { WeightsFixture.zip(pickle: $0.damaged(pickle)).bytes })
    #expect(outcomes.refused > Self.count / 4)
  }

  @Test func damagedFilesOfTheOldForm() throws {
    let sound = WeightsFixture.legacy()
    let outcomes = try mutate(seed: 3, { $0.damaged(sound) })
    #expect(outcomes.refused > Self.count / 4)
  }

  @Test func damagedSafetensors() throws {
    let sound = WeightsFixture.safetensors
    let outcomes = try mutate(seed: 4, { $0.damaged(sound) })
    #expect(outcomes.refused > Self.count / 4)
  }

  /// Arrays that are read are the original ones, stored or deflated; their names are under no checksum.
  @Test func damagedNumPyArchivesNeverGiveAnotherNumber() throws {
    let sound = NumPyFixture.archive.bytes
    let expected = try arrays(of: try folder.overwrite(sound, "sound"))
    let outcomes = try mutate(
      seed: 5, { $0.damaged(sound) }, read: arrays,
      check: { found in #expect(found.values.allSatisfy(expected.values.contains)) })
    #expect(outcomes.refused > Self.count / 4)
  }

  /// Nothing protects a single array but its header.
  @Test func damagedNumPyArrays() throws {
    let sound = NumPyFixture.array("<f8", "(2, 3)", NumPyFixture.doubles([0, 1, 2, 3, 4, 5]))
    let outcomes = try mutate(seed: 6, { $0.damaged(sound) }, read: arrays)
    #expect(outcomes.refused > Self.count / 4)
  }

  /// Whatever a damaged image says of itself is what comes out of it, or it is refused.
  @Test(arguments: ["420", "progressive", "restart", "gray", "cmyk", "exif6"]) func damagedJPEGs(_ kind: String) throws
  {
    let sound = [UInt8](try ImageFixture.data(kind + ".jpg"))
    let outcomes = try mutate(
      seed: 7, { $0.damaged(sound) },
      read: { path in
        let check = try ImageFileCheck(path)
        let image = try RGBImage.read(path)
        #expect((image.width, image.height) == (check.width, check.height))
        return [:]
      })
    #expect(outcomes.refused > Self.count / 5)
  }

  private func arrays(of path: String) throws -> [String: HostArray] {
    let file = try NumPyFile.open(path)
    return try Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, try file.array($0.name)) })
  }

  private func mutate(
    seed: UInt64, _ make: (inout Mutator) -> [UInt8], check: ([String: HostArray]) -> Void = { _ in }
  ) throws -> Outcomes {
    try mutate(seed: seed, make, read: { try contents(try WeightsFile.open($0)) }, check: check)
  }

  private func mutate(
    seed: UInt64, _ make: (inout Mutator) -> [UInt8], read: (String) throws -> [String: HostArray],
    check: ([String: HostArray]) -> Void = { _ in }
  ) throws -> Outcomes {
    let before = peakMemory()
    var mutator = Mutator(state: seed)
    var outcomes = Outcomes()
    for number in 0..<Self.count {
      let path = try folder.overwrite(make(&mutator), "damaged")
      do {
        check(try read(path))
        outcomes.read += 1
      } catch let error as ArtifactError {
        let line = error.description
        #expect(!line.contains("\n") && line.utf8.count < 2000 && error.exitCode == 65, "mutation \(number): \(line)")
        outcomes.refused += 1
      }
    }
    // A tensor may repeat elements up to 64 MiB.
    #expect(peakMemory() - before < 400 << 20)
    print("\(Self.count) mutations of seed \(seed): \(outcomes.refused) refused, \(outcomes.read) read")
    return outcomes
  }

  private func contents(_ file: WeightsFile) throws -> [String: HostArray] {
    var arrays: [String: HostArray] = [:]
    for entry in file.entries {
      let array = try file.array(entry.name)
      #expect(array.shape == entry.shape)
      // Large ones only repeat a few elements.
      arrays[entry.name] = array.count < 1000 ? array : nil
    }
    _ = try? file.stateDictionary()
    return arrays
  }

  /// Bytes of memory that the process held at most.
  private func peakMemory() -> Int {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss << 10
  }
}

/// Random damage, the same for the same seed.
private struct Mutator: RandomNumberGenerator {
  var state: UInt64

  /// Splitmix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A copy with one or two changes.
  mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...2, using: &self) where !bytes.isEmpty { change(&bytes) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let position = Int.random(in: 0..<bytes.count, using: &self)
    let end = min(bytes.count, position + Int.random(in: 1...24, using: &self))
    let other = Int.random(in: 0...bytes.count, using: &self)
    switch Int.random(in: 0..<8, using: &self) {
    case 0, 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &self)
    case 2: bytes[position] = UInt8.random(in: 0...255, using: &self)
    case 3, 4: overwrite(&bytes, at: position)
    case 5: bytes.removeSubrange(position..<end)
    case 6: bytes.insert(contentsOf: Array(bytes[position..<end]), at: other)
    default:
      bytes.removeSubrange(max(position, bytes.count - 64)...)
    }
  }

  /// Puts a number that tends to break arithmetic over one to eight bytes.
  private mutating func overwrite(_ bytes: inout [UInt8], at position: Int) {
    let numbers: [UInt64] = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 62, .max >> 1, .max - 7, .max]
    let width = [1, 2, 4, 8].randomElement(using: &self) ?? 1
    let number = littleEndian(numbers.randomElement(using: &self) ?? 0)
    for index in 0..<width where position + index < bytes.count { bytes[position + index] = number[index] }
  }
}
