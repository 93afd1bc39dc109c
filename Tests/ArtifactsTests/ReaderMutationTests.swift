import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Damage to small files of each format. What is under a checksum must come back as it was, or not at all.
@Suite(.serialized) struct ReaderMutationTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Every part of a zip file that matters is under a checksum or checked twice: what is read is the original.
  @Test func damagedZipFilesNeverGiveAnotherNumber() throws {
    let run = try MutationRun("zip", seed: 1, of: WeightsFixture.zip().bytes) {
      let found = try weights($0)
      #expect(found == WeightsFixture.expected)
    }
    #expect(run.faults == [] && run.refused > run.count / 2)
  }

  /// The pickle is damaged before the checksums are computed.
  @Test func damagedPicklesInSoundZipFiles() throws {
    let run = try MutationRun(
      "pickle", seed: 2, of: PickleBytes.program(WeightsFixture.dictionary()),
      wrap: { WeightsFixture.zip(pickle: $0).bytes }, reader: { _ = try weights($0) })
    #expect(run.faults == [] && run.refused > run.count / 4)
  }

  @Test func damagedFilesOfTheOldForm() throws {
    let run = try MutationRun("old .pth", seed: 3, of: WeightsFixture.legacy()) { _ = try weights($0) }
    #expect(run.faults == [] && run.refused > run.count / 4)
  }

  @Test func damagedSafetensors() throws {
    let run = try MutationRun("safetensors", seed: 4, of: WeightsFixture.safetensors) { _ = try weights($0) }
    #expect(run.faults == [] && run.refused > run.count / 4)
  }

  /// Arrays that are read are the original ones, stored or deflated; their names are under no checksum.
  @Test func damagedNumPyArchivesNeverGiveAnotherNumber() throws {
    let sound = NumPyFixture.archive.bytes
    let expected = try arrays(try folder.overwrite(sound, "sound"))
    let run = try MutationRun(".npz", seed: 5, of: sound) { path in
      let found = try arrays(path)
      #expect(found.values.allSatisfy(expected.values.contains))
    }
    #expect(run.faults == [] && run.refused > run.count / 4)
  }

  /// Nothing protects a single array but its header.
  @Test func damagedNumPyArrays() throws {
    let sound = NumPyFixture.array("<f8", "(2, 3)", NumPyFixture.doubles([0, 1, 2, 3, 4, 5]))
    let run = try MutationRun(".npy", seed: 6, of: sound) { _ = try arrays($0) }
    #expect(run.faults == [] && run.refused > run.count / 4)
  }

  /// Whatever a damaged image says of itself is what comes out of it, or it is refused.
  @Test(arguments: ["420", "progressive", "restart", "gray", "cmyk", "exif6"]) func damagedJPEGs(_ kind: String) throws
  {
    let run = try MutationRun(kind + ".jpg", seed: 7, of: [UInt8](try ImageFixture.data(kind + ".jpg"))) { path in
      let check = try ImageFileCheck(path)
      let image = try RGBImage.read(path)
      #expect((image.width, image.height) == (check.width, check.height))
    }
    #expect(run.faults == [] && run.refused > run.count / 5)
  }

  /// All that an image is made of is under checksums.
  @Test(arguments: [PNGFixture.rgb8, .rgb16, .palette4, .interlaced])
  func damagedPNGsNeverGiveAnotherImage(_ fixture: PNGFixture) throws {
    let expected = try RGBImage.decode(fixture.data, path: "sound")
    let run = try MutationRun("\(fixture).png", seed: 8, count: 500, of: [UInt8](fixture.data)) { path in
      _ = try ImageFileCheck(path)
      let image = try RGBImage.read(path)
      #expect(image == expected)
    }
    #expect(run.faults == [] && run.refused > run.count / 2)
  }

  /// Decoding meets damage under right checksums too.
  @Test func damagedPixelsOfPNGs() throws {
    let sound = [UInt8](PNGFixture.rgb16.data)
    let start = sound.indices.first { sound[$0...].starts(with: Array("IDAT".utf8)) } ?? 0
    let length = Int(sound[start - 1])
    let pixels = Array(sound[start + 4..<start + 4 + length])
    let run = try MutationRun("pixels of .png", seed: 9, count: 1000, of: pixels) { damaged in
      let chunk = Array("IDAT".utf8) + damaged
      return sound[..<(start - 4)] + littleEndian(UInt32(damaged.count)).reversed() + chunk
        + littleEndian(ZipBytes.checksum(chunk)).reversed() + sound[(start + 8 + length)...]
    } reader: {
      _ = try RGBImage.read($0)
    }
    #expect(run.faults == [] && run.refused > run.count / 2)
  }

  /// dd2's own files have all their numbers and names under checksums.
  @Test func damagedCheckpointsNeverGiveAnotherNumber() throws {
    var checkpoint = Checkpoint(kind: "generator", config: #"{"depth": 2}"#, createdBy: "dd2", metadata: ["seed": "1"])
    checkpoint.parameters = [
      "a.weight": HostArray(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Float]),
      "blocks/0": HostArray(shape: [40], (0..<40).map(Int64.init)), "scalar": HostArray(shape: [], [1.5] as [Double]),
    ]
    checkpoint.progress = ["empty": HostArray(shape: [0, 3], [] as [Float])]
    let path = folder.file("sound.h5")
    try checkpoint.write(to: path)
    let run = try MutationRun("checkpoint", seed: 10, count: 500, of: [UInt8](try folder.contents("sound.h5"))) {
      let found = try Checkpoint.read(from: $0)
      #expect(found == checkpoint)
    }
    #expect(run.faults == [] && run.refused > run.count / 4)
  }

  @Test func damagedManifests() throws {
    let entry = WeightsManifest.Entry(
      name: "var-d16", family: "var", kind: "transformer", urls: ["https://a.org/d/var_d16.pth"], bytes: 12,
      sha256: String(repeating: "a", count: 64), license: "MIT", layout: "pytorch-zip", notes: "\u{E9}")
    let sound = try JSONEncoder().encode(WeightsManifest(entries: [entry]))
    let run = try MutationRun("manifest", seed: 11, count: 1000, of: [UInt8](sound)) {
      for entry in try WeightsManifest(reading: $0).entries { _ = entry.relativePath }
    }
    #expect(run.faults == [] && run.refused > run.count / 4)
  }

  private func arrays(_ path: String) throws -> [String: HostArray] {
    let file = try NumPyFile.open(path)
    return try Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, try file.array($0.name)) })
  }

  private func weights(_ path: String) throws -> [String: HostArray] {
    let file = try WeightsFile.open(path)
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
}
