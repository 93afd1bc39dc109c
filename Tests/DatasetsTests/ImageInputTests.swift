import Artifacts
import Foundation
import TestSupport
import TensorCore
import Testing

@testable import Datasets

@Suite final class ImageInputTests {
  private let folder: TemporaryFolder
  private var root: String { folder.path }

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("images/inner")
  }

  private var images: String { root + "/images" }

  private func write(_ fixture: PNGFixture, _ name: String) throws {
    try fixture.data.write(to: URL(fileURLWithPath: "\(images)/\(name)"))
  }

  private func write(_ gray: UInt8, _ name: String, width: Int = 5) throws {
    try RGBImage(width: width, height: 4, gray: gray).write("\(images)/\(name)")
  }

  /// All pixels, read so many images at a time.
  private func pixels(_ input: ImageInput, _ limit: Int) throws -> (pixels: [UInt8], bad: [ArtifactError]) {
    let reader = try ImageReader(input)
    var (pixels, bad): ([UInt8], [ArtifactError]) = ([], [])
    for range in input.batches(of: limit) {
      let batch = try reader.read(range)
      #expect(batch.pixels.count == batch.count * input.size.width * input.size.height * 3)
      pixels += batch.pixels
      bad += batch.bad
    }
    return (pixels, bad)
  }

  @Test(arguments: [1, 2, 10]) func everyKindOfPNGIsReadInOrderOfPaths(limit: Int) throws {
    let kinds: [PNGFixture] = [.rgb8, .rgb16, .gray8, .gray16, .gray1, .palette4, .interlaced]
    for (index, kind) in kinds.enumerated() { try write(kind, index < 3 ? "\(index).png" : "inner/\(index).PNG") }
    try write(1, ".hidden.png", width: 9)
    try write(1, "grid.png", width: 9)
    let input = try ImageInput(images, ImageInput.Options())
    #expect(input.count == 7 && input.size == ImageInput.Size(width: 5, height: 4))
    #expect(input.resizedCount == 0 && input.bad.isEmpty)
    let expected = try kinds.flatMap { try RGBImage.decode($0.data, path: "").pixels }
    #expect(try pixels(input, limit).pixels == expected)
  }

  @Test func transparencyIsRefusedUnlessDropped() throws {
    try write(.rgb8, "a.png")
    try write(.rgba8, "b.png")
    let error = #expect(throws: DatasetError.self) { try ImageInput(images, ImageInput.Options()) }
    #expect(error?.exitCode == 65 && error?.description.contains("b.png") == true)
    let dropped = try ImageInput(images, ImageInput.Options(alpha: .drop))
    let color = try RGBImage.decode(PNGFixture.rgb8.data, path: "").pixels
    #expect(try pixels(dropped, 2).pixels == color + color)
    let skipped = try ImageInput(images, ImageInput.Options(skipsBad: true))
    #expect(skipped.count == 1 && skipped.bad.count == 1)
  }

  /// All find what one process finds, in the order of the files.
  @Test(arguments: [2, 3, 9]) func filesAreCheckedByAllProcesses(count: Int) throws {
    for index in 0..<7 { try write(.rgb8, "\(index).png") }
    for index in [1, 4] { try Data("no image".utf8).write(to: URL(fileURLWithPath: "\(images)/\(index).png")) }
    let (images, options) = (images, ImageInput.Options(skipsBad: true))
    let alone = try ImageInput(images, options)
    #expect(alone.count == 5 && alone.bad.count == 2)
    for (input, done) in try inJob(
      of: count,
      { _ in
        var done: [Int] = []
        let input = try ImageInput(images, options) { checked, total in done.append(checked * 100 + total) }
        return (input, done)
      })
    {
      #expect(input.count == 5 && input.bad == alone.bad && input.batches(of: 5) == [0..<5])
      #expect(done.allSatisfy { $0 % 100 == 7 && $0 <= 707 })
      guard case .files(let found) = input.source, case .files(let expected) = alone.source else {
        Issue.record("no files")
        continue
      }
      #expect(found == expected)
    }
  }

  /// Photographs among PNG files, whatever their names are.
  @Test func jpegsAreCountedAndCropped() throws {
    try write(.rgb8, "a.png")
    for (size, name) in [("83x61", "b.JPEG"), ("20x27", "c.png")] {
      try folder.write(try ImageFixture.data("photo-\(size).jpg"), "images/" + name)
    }
    let files = try ["a.png", "b.JPEG", "c.png"].map { try RGBImage.read("\(images)/\($0)") }
    #expect(try ImageInput.jpegCount(in: images) == 2)
    for crop in [ImageCrop?.none, .var, .adm] {
      let options = ImageInput.Options(size: ImageInput.Size(width: 27, height: 27), crop: crop)
      let input = try ImageInput(images, options)
      #expect(input.jpegCount == 2 && input.resizedCount == 3 && input.count == 3)
      let expected = files.flatMap { ($0.crop27(crop) ?? $0.bicubic(width: 27, height: 27)).pixels }
      #expect(try pixels(input, 2).pixels == expected)
    }
    // An image of the right size is another one after VAR's crop alone.
    try FileManager.default.removeItem(atPath: images + "/a.png")
    try FileManager.default.removeItem(atPath: images + "/b.JPEG")
    try RGBImage(width: 27, height: 27, gray: 3).write(images + "/c.png")
    for (crop, count) in [(ImageCrop?.none, 0), (.adm, 0), (.var, 1)] {
      let options = ImageInput.Options(size: ImageInput.Size(width: 27, height: 27), crop: crop)
      #expect(try ImageInput(images, options).resizedCount == count)
    }
  }

  @Test func otherFormatsAndDamagedFilesAreRefusedUnlessSkipped() throws {
    try write(.rgb8, "a.png")
    try Data([0xFF, 0xD8, 0xFF, 0xE0]).write(to: URL(fileURLWithPath: "\(images)/b.jpeg"))
    try PNGFixture.rgb8.data.prefix(60).write(to: URL(fileURLWithPath: "\(images)/c.png"))
    try FileManager.default.createSymbolicLink(atPath: "\(images)/d.png", withDestinationPath: "nowhere.png")
    guard
      case .badImages(_, let bad, let count) = #expect(
        throws: DatasetError.self, performing: { try ImageInput(images, ImageInput.Options()) })
    else {
      Issue.record("no list of bad images")
      return
    }
    #expect(count == 4 && bad.count == 3)
    let input = try ImageInput(images, ImageInput.Options(skipsBad: true))
    #expect(input.count == 1 && input.bad == bad)
    for file in ["a.png", "b.jpeg"] { try FileManager.default.removeItem(atPath: "\(images)/\(file)") }
    // Where all are left out, it is said why.
    let none = #expect(throws: DatasetError.self) {
      try ImageInput(self.images, ImageInput.Options(skipsBad: true))
    }
    #expect(none?.description.contains("2 of 2 images cannot be used") == true)
    #expect(none?.description.contains("--skip-bad") == false)
  }

  /// Checksums say nothing about the contents of a compressed stream.
  @Test func damageThatOnlyDecodingFinds() throws {
    try PNGFixture.undecodable.write(to: URL(fileURLWithPath: "\(images)/b.png"))
    try write(.rgb8, "a.png")
    let strict = try ImageInput(images, ImageInput.Options())
    #expect(strict.count == 2)
    let error = #expect(throws: DatasetError.self) { try self.pixels(strict, 2) }
    #expect(error?.description.contains("b.png") == true)
    let lenient = try pixels(try ImageInput(images, ImageInput.Options(skipsBad: true)), 2)
    #expect(lenient.pixels.count == 60 && lenient.bad.count == 1)
  }

  @Test func sizesThatDifferNeedASize() throws {
    try write(.rgb8, "a.png")
    try write(7, "b.png", width: 6)
    #expect(throws: DatasetError.mixedSizes(path: "\(images)/b.png", expected: [4, 5], found: [4, 6])) {
      try ImageInput(self.images, ImageInput.Options())
    }
    let size = ImageInput.Size(width: 5, height: 4)
    let input = try ImageInput(images, ImageInput.Options(size: size))
    #expect(input.size == size && input.resizedCount == 1)
    let color = try RGBImage.decode(PNGFixture.rgb8.data, path: "").pixels
    #expect(try pixels(input, 1).pixels == color + [UInt8](repeating: 7, count: 60))
  }

  @Test(arguments: [1, 2, 5]) func imagesOfANumPyFile(limit: Int) throws {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2, 1, 3), }\n"
    let values = (0..<18).map { UInt8($0 * 13) }
    let path = root + "/images.npy"
    try Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8) + values)
      .write(to: URL(fileURLWithPath: path))
    let input = try ImageInput(path, ImageInput.Options())
    #expect(input.count == 3 && input.size == ImageInput.Size(width: 1, height: 2))
    #expect(try pixels(input, limit).pixels == values)
    let resized = try ImageInput(path, ImageInput.Options(size: ImageInput.Size(width: 2, height: 2)))
    #expect(resized.resizedCount == 3)
    var twice: [UInt8] = []
    for start in stride(from: 0, to: 18, by: 3) { twice += values[start..<start + 3] + values[start..<start + 3] }
    #expect(try pixels(resized, limit).pixels == twice)
  }

  @Test func fingerprintsFollowTheFiles() throws {
    try write(1, "a.png")
    try write(2, "b.png")
    let options = ImageInput.Options()
    let first = try ImageInput.fingerprint(images, options)
    #expect(try ImageInput.fingerprint(images, options) == first)
    #expect(try ImageInput.fingerprint(images, ImageInput.Options(alpha: .drop)) != first)
    #expect(try ImageInput.fingerprint(images, ImageInput.Options(size: .init(width: 5, height: 4))) != first)
    let sized = try [nil, ImageCrop.var, .adm].map { crop in
      try ImageInput.fingerprint(images, ImageInput.Options(size: .init(width: 4, height: 4), crop: crop))
    }
    #expect(Set(sized).count == 3)
    // The same bytes at another time, and another name.
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 9)], ofItemAtPath: images + "/a.png")
    let later = try ImageInput.fingerprint(images, options)
    #expect(later != first)
    // Another file in its place, with the same name, size and time, as `cp -a` leaves it.
    try FileManager.default.copyItem(atPath: images + "/a.png", toPath: images + "/.copy")
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 9)], ofItemAtPath: images + "/.copy")
    #expect(rename(images + "/.copy", images + "/a.png") == 0)
    let exchanged = try ImageInput.fingerprint(images, options)
    #expect(exchanged != later)
    // Other contents written into the same file, whose time is set back.
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: images + "/a.png"))
    try file.write(contentsOf: Data([0]))
    try file.close()
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 9)], ofItemAtPath: images + "/a.png")
    let rewritten = try ImageInput.fingerprint(images, options)
    #expect(rewritten != exchanged)
    try FileManager.default.moveItem(atPath: images + "/a.png", toPath: images + "/c.png")
    #expect(try ImageInput.fingerprint(images, options) != rewritten)
  }
}

extension RGBImage {
  fileprivate func crop27(_ crop: ImageCrop?) -> RGBImage? { crop?.cropped(self, side: 27) }
}

/// Expected bytes: `Image.resize(..., BICUBIC)` of Pillow 13, at sizes where it too scales rows first.
@Suite struct BicubicScalingTests {
  private var image: RGBImage {
    var pixels: [UInt8] = []
    for y in 0..<4 {
      for x in 0..<5 {
        for value in [x * 50, y * 60, x * y * 37 + x * x * 11] { pixels.append(UInt8(value % 256)) }
      }
    }
    return RGBImage(width: 5, height: 4, pixels: pixels)
  }

  @Test(
    arguments: [
      (
        3, 7,
        [
          18, 0, 1, 100, 0, 39, 182, 0, 148, 18, 16, 5, 100, 16, 71, 182, 16, 142, 18, 55, 14, 100,
          55, 126, 182, 55, 132, 18, 90, 26, 100, 90, 145, 182, 90, 143, 18, 125, 37, 100, 125, 138,
          182, 125, 153, 18, 164, 46, 100, 164, 95, 182, 164, 143, 18, 185, 50, 100, 185, 70, 182,
          185, 137,
        ]
      ),
      (
        8, 5,
        [
          0, 0, 0, 17, 0, 2, 53, 0, 10, 84, 0, 28, 116, 0, 55, 147, 0, 90, 183, 0, 149, 204, 0, 187,
          0, 39, 0, 17, 39, 11, 53, 39, 38, 84, 39, 71, 116, 39, 126, 147, 39, 189, 183, 39, 133, 204,
          39, 81, 0, 90, 0, 17, 90, 21, 53, 90, 73, 84, 90, 147, 116, 90, 169, 147, 90, 139, 183, 90,
          139, 204, 90, 143, 0, 141, 0, 17, 141, 36, 53, 141, 103, 84, 141, 141, 116, 141, 129, 147,
          141, 85, 183, 141, 150, 204, 141, 204, 0, 183, 0, 17, 183, 55, 53, 183, 122, 84, 183, 26,
          116, 183, 44, 147, 183, 177, 183, 183, 143, 204, 183, 98,
        ]
      ),
      (
        3, 3,
        [
          18, 11, 4, 100, 11, 66, 182, 11, 142, 18, 90, 26, 100, 90, 141, 182, 90, 143, 18, 169, 47,
          100, 169, 92, 182, 169, 143,
        ]
      ),
    ] as [(Int, Int, [UInt8])])
  func bytesOfPillow(width: Int, height: Int, expected: [UInt8]) {
    #expect(image.bicubic(width: width, height: height) == RGBImage(width: width, height: height, pixels: expected))
  }

  @Test func theSameSizeChangesNothing() { #expect(image.bicubic(width: 5, height: 4) == image) }
}

@Suite struct PrefetchTests {
  private struct Failure: Error {}

  /// Also where the system gives no thread.
  @Test(arguments: [1, 3], [true, false]) func elementsComeInOrder(depth: Int, hasThread: Bool) throws {
    let numbers = Prefetch(
      depth: depth,
      open: {
        var next = 0
        return {
          next += 1
          return next <= 20 ? next : nil
        }
      }, start: { hasThread && SystemThread.start($0) })
    var found: [Int] = []
    while let number = try numbers.next() { found.append(number) }
    #expect(found == Array(1...20))
    #expect(try numbers.next() == nil)
  }

  @Test func errorsComeAfterTheElementsBeforeThem() throws {
    let numbers = Prefetch(depth: 4) {
      var next = 0
      return { () throws -> Int? in
        next += 1
        guard next < 3 else { throw Failure() }
        return next
      }
    }
    #expect(try numbers.next() == 1)
    #expect(try numbers.next() == 2)
    #expect(throws: Failure.self) { try numbers.next() }
    let broken = Prefetch<Int>(depth: 1) { throw Failure() }
    #expect(throws: Failure.self) { try broken.next() }
  }
}

@Suite struct ImageBatchesTests {
  private struct Lost: Error {}

  /// Images of one byte's value, one of which may be lost.
  private struct Numbers: ImageSource {
    let count = 23
    let height = 2
    let width = 3
    let classNames = ["a", "b"]
    var lost: Int?
    func label(at index: Int) -> Int32 { Int32(index % 2) }
    func pixels(at index: Int) throws -> [UInt8] {
      guard index != lost else { throw Lost() }
      return (0..<18).map { UInt8(index * 10 + $0 % 7) }
    }
  }

  private func expectEqual(_ a: LabelledImages?, _ b: LabelledImages) {
    #expect(a?.images.elements == b.images.elements && a?.images.shape == b.images.shape && a?.labels == b.labels)
  }

  /// However they are read, they are what is read one by one.
  @Test func batchesComeInOrder() throws {
    let source = Numbers()
    let parts = (0..<9).map { part in (0...part % 4).map { (part * 5 + $0 * 3) % 23 } }
    let batches = source.batches(of: parts)
    for part in parts { expectEqual(try batches.next(), try source.batch(part)) }
    #expect(try batches.next() == nil && batches.next() == nil)
  }

  @Test func errorsComeWithTheirBatch() throws {
    let batches = Numbers(lost: 5).batches(of: [[0], [1, 2], [4, 5], [6]])
    for _ in 0..<2 { #expect(try batches.next() != nil) }
    #expect(throws: Lost.self) { try batches.next() }
  }

  @Test func aProcessReadsItsRowsAlone() throws {
    let source = Numbers()
    let batches = TrainingBatches(source, batch: 6, rows: [4, 5, 0], stepCount: 3, seed: 3)
    var sampler = BatchSampler(count: 23, batchSize: 6, seed: 3)
    for step in 0..<3 {
      let indices = sampler.indices(step: step)
      expectEqual(try batches.batch(step: step), try source.batch([4, 5, 0].map { indices[$0] }))
    }
  }

  /// As after a checkpoint, and where a step is repeated.
  @Test func trainingMayBeginAtAnyStep() throws {
    let source = Numbers()
    let batches = TrainingBatches(source, batch: 5, stepCount: 12, seed: 3)
    var sampler = BatchSampler(count: 23, batchSize: 5, seed: 3)
    for step in [4, 5, 6, 6, 7, 0, 1, 11, 10, 11] {
      expectEqual(try batches.batch(step: step), try source.batch(sampler.indices(step: step)))
    }
  }
}
