import Artifacts
import Datasets
import Foundation
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing

@Suite("Token files") struct TokenFileTests {
  private struct Stop: Error {}

  /// Images that count how often they are read.
  private final class CountedImages: ImageSource, @unchecked Sendable {
    let source = Shapes32(.train)
    let count: Int
    private(set) var reads: [Int] = []
    private let lock = NSLock()
    var height: Int { source.height }
    var width: Int { source.width }
    var classNames: [String] { source.classNames }

    init(_ count: Int) { self.count = count }

    func pixels(at index: Int) throws -> [UInt8] {
      lock.withLock { reads.append(index) }
      return source.pixels(at: index)
    }

    func label(at index: Int) -> Int32 { source.label(at: index) }
  }

  private static func encode(
    _ images: any ImageSource, _ teacher: TeacherFile.Loaded, to output: String, data: String = "some",
    progress: (Int) throws -> Void = { _ in }
  ) throws {
    var encoding = try TokenEncoding(images, data: data, record: nil, teacher: teacher, output: output)
    try encoding.run(progress: progress)
  }

  @Test func anInterruptedEncodingGoesOn() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      try Self.encode(CountedImages(250), teacher, to: folder + "/whole.h5")
      let path = folder + "/parts.h5"
      var images = CountedImages(250)
      for stop in [100, 200] {
        images = CountedImages(250)
        #expect(throws: Stop.self) {
          try Self.encode(images, teacher, to: path) { done in if done == stop { throw Stop() } }
        }
        #expect(!FileAccess.exists(path) && images.reads.min() == stop - 100)
      }
      images = CountedImages(250)
      try Self.encode(images, teacher, to: path)
      #expect(images.reads == Array(200..<250))
      #expect(!FileAccess.exists(path + ".part"))
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: path)) == Data(contentsOf: URL(fileURLWithPath: folder + "/whole.h5"))
      )
      let tokens = try TokenFile.read(path, for: teacher.teacher)
      let expected = try teacher.teacher.encode(images_BhwC: images.batch([249]).images)
      #expect(
        tokens.count == 250 && tokens.batch([249]).ids.array == expected.array
          && tokens.labels == (0..<250).map(images.label))
    }
  }

  @Test func piecesOfOtherImagesAreRefused() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      let path = folder + "/tokens.h5"
      func begin(_ count: Int, _ data: String) throws {
        try Self.encode(CountedImages(count), teacher, to: path, data: data) { _ in throw Stop() }
      }
      #expect(throws: Stop.self) { try begin(150, "some") }
      #expect(throws: TokenEncoding.OtherOrigin.self) { try begin(150, "others") }
      #expect(throws: TokenEncoding.OtherOrigin.self) { try begin(140, "some") }
      // A piece that is damaged is made anew.
      let piece = URL(fileURLWithPath: path + ".part/000000000000.h5")
      var bytes = try Data(contentsOf: piece)
      // In the tokens themselves, which a look at the shapes does not find.
      let ids = try TokenFile.read(piece.path, for: teacher.teacher).ids.values.prefix(8)
      let place = try #require(bytes.firstRange(of: Data(ids.flatMap { [UInt8($0), 0] })))
      bytes[place.lowerBound] ^= 1
      try bytes.write(to: piece)
      do {
        let begun = try TokenEncoding(CountedImages(150), data: "some", record: nil, teacher: teacher, output: path)
        #expect(begun.hasDamage && begun.completed == 0)
      }
      let images = CountedImages(150)
      try Self.encode(images, teacher, to: path)
      #expect(images.reads.count == 150)
    }
  }

  @Test func someRowsAreRead() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
      let count = 10_000
      let ids = (0..<count * 21).map { Int32($0 % 12) }
      let labels = (0..<count).map { Int32($0 % 10) }
      let path = folder + "/tokens.h5"
      func write(_ ids: [Int32], _ labels: [Int32]) throws {
        let writer = try HDF5Writer(path: path)
        try TokenFile.write(TokenSet(ids: IndexArray(ids, [count, 21]), labels: labels), to: writer)
        try writer.finish()
      }
      try write(ids, labels)
      let whole = try TokenFile.read(path, for: teacher)
      #expect(whole.ids.values == ids && whole.labels == labels)
      let wanted = [0, 1, 4095, 4096, 5000, 9999]
      let some = try TokenFile.read(path, at: wanted, for: teacher)
      let (wantedIDs, wantedLabels) = whole.batch(wanted)
      #expect(some.ids == wantedIDs.array && some.labels == wantedLabels.values)
      var bad = ids
      bad[5000 * 21 + 7] = 12
      try write(bad, labels)
      let error = artifactError { _ = try TokenFile.read(path, at: wanted, for: teacher) }
      #expect(error?.description.contains("ids[5000, 7] is 12, no token of the teacher") == true, "\(error as Any)")
    }
  }

  @Test func tokensOfAnotherTokenizerAreRefused() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder)
      let path = folder + "/tokens.h5"
      try Self.encode(FewImages(), teacher, to: path)
      #expect(try TokenFile.count(path, for: teacher) == 24)
      // Another transformer has the same tokens.
      let deeper = try TinyTeacher.nextScale.load(in: folder, sharpness: 2)
      #expect(try TokenFile.count(path, for: deeper) == 24)
      var file = try Checkpoint.read(from: teacher.path)
      let name = try #require(
        file.parameters.keys.first { $0.hasPrefix("tokenizer.") && $0.hasSuffix("conv_in.weight") })
      let weight = try #require(file.parameters[name])
      file.parameters[name] = HostArray(shape: weight.shape, weight.floats.map { $0 + 1 })
      try file.write(to: folder + "/other.h5")
      let other = try TeacherFile.read(folder + "/other.h5")
      let error = artifactError { _ = try TokenFile.count(path, for: other) }
      #expect(error?.description.contains("its tokens are not of") == true, "\(error as Any)")
    }
  }

  /// dd2's own files have all their tokens and labels under checksums.
  @Test func damagedFilesNeverGiveAnotherToken() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextScale.load(in: folder).teacher
      let tokens = try teacher.encode(images_BhwC: FewImages().batch([0, 1, 2]).images)
      let sound = TokenSet(ids: tokens.array, labels: [3, 1, 2])
      let writer = try HDF5Writer(path: folder + "/sound.h5")
      try TokenFile.write(sound, to: writer)
      try writer.setAttribute("classes", .string("[]"))
      try writer.finish()
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/sound.h5")))
      let run = try MutationRun("tokens", seed: 1, count: 500, of: bytes) { path in
        let found = try TokenFile.read(path, for: teacher)
        #expect(found.ids == sound.ids && found.labels == sound.labels)
      }
      #expect(run.faults == [] && run.refused > run.count / 4)
    }
  }
}
