import Datasets
import Foundation
import Processes
import TeacherModels
import TensorCore
import TestModels
import TestSupport
import Testing

/// Images are encoded by all processes of a job.
@Suite("Encoding by several processes") struct SpreadEncodingTests {
  private struct Stop: Error {}

  /// The first images of shapes32, and which of them were read.
  private final class ReadImages: ImageSource, @unchecked Sendable {
    let source = Shapes32(.train)
    let count: Int
    private(set) var reads: Set<Int> = []
    private let lock = NSLock()
    var height: Int { source.height }
    var width: Int { source.width }
    var classNames: [String] { source.classNames }

    init(_ count: Int) { self.count = count }

    func pixels(at index: Int) -> [UInt8] {
      lock.withLock { _ = reads.insert(index) }
      return source.pixels(at: index)
    }

    func label(at index: Int) -> Int32 { source.label(at: index) }
  }

  @Test func allGetAllTokensInTheOrderOfTheImages() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextToken.load(in: folder).teacher
      let indices = (0..<23).map { $0 * 5 % 23 }
      @Sendable func encode(_ images: ReadImages) throws -> (tokens: TokenSet, done: [Int]) {
        var done: [Int] = []
        let tokens = try TokenSet.encode(
          images, indices: indices, batch: 5, progress: { done.append($0) },
          encoder: { try teacher.encode(images_BhwC: $0) })
        return (tokens, done)
      }
      let alone = try encode(ReadImages(23))
      #expect(alone.done == [5, 10, 15, 20, 23] && alone.tokens.labels == indices.map(Shapes32(.train).label))
      let found = try inJob(of: 3) { _ in
        let images = ReadImages(23)
        return (try encode(images), images.reads)
      }
      #expect(found.count == 3)
      for ((tokens, done), _) in found {
        #expect(tokens.ids == alone.tokens.ids && tokens.labels == alone.tokens.labels && done == [15, 23])
      }
      let shares = [[0..<5, 15..<20], [5..<10, 20..<23], [10..<15]].map { Set($0.flatMap { indices[$0] }) }
      #expect(found.map(\.1) == shares)
    }
  }

  @Test func theFirstAloneWritesAndGoesOn() throws {
    try withTemporaryFolder { folder in
      let loaded = try TinyTeacher.nextToken.load(in: folder)
      /// Encodes in each process to a place of its own, of which the first one's counts.
      @Sendable func encode(_ place: String, stop: Int? = nil) throws -> Set<Int> {
        let images = ReadImages(350)
        var encoding = try TokenEncoding(images, data: "some", record: nil, teacher: loaded, output: place)
        do {
          try encoding.run { done in if done == stop { throw Stop() } }
        } catch is Stop {}
        return images.reads
      }
      _ = try encode(folder + "/alone.h5")
      @Sendable func place(_ group: ProcessGroup) -> String { "\(folder)/job\(group.rank).h5" }
      _ = try inJob(of: 2) { try encode(place($0), stop: 200) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/job0.h5.part").count == 2)
      let second = try inJob(of: 2) { try encode(place($0)) }
      #expect(second == [Set(200..<300), Set(300..<350)])
      #expect(
        try Data(contentsOf: .init(filePath: folder + "/job0.h5"))
          == Data(contentsOf: .init(filePath: folder + "/alone.h5")))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["alone.h5", "job0.h5", "teacher.h5"])
    }
  }
}
