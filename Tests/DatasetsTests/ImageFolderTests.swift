import Artifacts
import Foundation
import TestSupport
import Testing

@testable import Datasets

@Suite final class ImageFolderTests {
  private let temporary: TemporaryFolder
  private var root: String { temporary.path }

  init() throws { temporary = try TemporaryFolder() }

  @Test func subfoldersAreClassesInSortedOrder() throws {
    for name in ["zebra", "ant"] { try temporary.makeFolder(name) }
    try write("zebra/b.png", gray: 40)
    try write("zebra/a.png", gray: 30)
    try write("ant/x.PNG", gray: 20)
    try Data("not an image".utf8).write(to: URL(fileURLWithPath: "\(root)/ant/notes.txt"))
    let folder = try ImageFolder(root)
    #expect(folder.classNames == ["ant", "zebra"])
    #expect((0..<folder.count).map(folder.label(at:)) == [0, 1, 1])
    #expect(try (0..<3).map { try folder.pixels(at: $0)[0] } == [20, 30, 40])
    #expect(try folder.batch([2, 0]).images.shape == [2, 4, 6, 3])
  }

  @Test func flatFoldersTakeLabelsFromNames() throws {
    try write("000000-class2.png", gray: 1)
    try write("000001-class0.png", gray: 2)
    try write("000002-disk-class1.PNG", gray: 3)
    let folder = try ImageFolder(root)
    #expect((0..<3).map(folder.label(at:)) == [2, 0, 1])
    #expect(folder.classNames == ["class0", "class1", "class2"])
  }

  /// Images beside folders of images would be taken for the whole set.
  @Test func imagesBesideClassesAreAnError() throws {
    for name in ["ant", "notes"] { try temporary.makeFolder(name) }
    try write("preview.png", gray: 1)
    #expect(try ImageFolder(root).count == 1)
    try write("ant/x.png", gray: 20)
    let error = #expect(throws: DatasetError.mixedLayout(path: "\(root)/preview.png", folder: "ant")) {
      try ImageFolder(root)
    }
    #expect(error?.exitCode == 65 && error?.description.contains("\n") == false)
  }

  /// Images deeper down would be lost, and with a whole class of them the classes after it would get other numbers.
  @Test func imagesBelowAClassAreAnError() throws {
    try temporary.makeFolder("ant/empty/none")
    try write("ant/x.png", gray: 20)
    #expect(try ImageFolder(root).classNames == ["ant"])
    try temporary.makeFolder("bee/deep/er")
    try write("bee/deep/er/y.png", gray: 30)
    let error = #expect(throws: DatasetError.nestedClass(path: "\(root)/bee/deep")) { try ImageFolder(root) }
    #expect(error?.exitCode == 65 && error?.description.contains("\n") == false)
    try write("bee/y.png", gray: 30)
    #expect(throws: DatasetError.nestedClass(path: "\(root)/bee/deep")) { try ImageFolder(root) }
    // Beside a flat set they are the other layout, at whatever depth.
    try write("preview.png", gray: 1)
    try FileManager.default.removeItem(atPath: "\(root)/bee/y.png")
    try FileManager.default.removeItem(atPath: "\(root)/ant/x.png")
    #expect(throws: DatasetError.mixedLayout(path: "\(root)/preview.png", folder: "bee")) { try ImageFolder(root) }
  }

  /// A class of other files would vanish, and the classes after it get other numbers.
  @Test func imagesOfOtherFormatsAreAnError() throws {
    for name in ["ant", "bee"] { try temporary.makeFolder(name) }
    try write("ant/x.png", gray: 20)
    try Data("RIFF....WEBP".utf8).write(to: URL(fileURLWithPath: "\(root)/bee/y.webp"))
    let error = #expect(throws: DatasetError.self) { try ImageFolder(root) }
    #expect(error?.description.contains("bee/y.webp") == true)
    #expect(error?.description.contains("neither PNG nor JPEG") == true)
  }

  // MARK: Photographs

  /// Photographs of four sizes in two classes, by every name that JPEG files go by.
  private func photographs() throws -> [RGBImage] {
    for name in ["ant", "bee"] { try temporary.makeFolder("photos/" + name) }
    let files = [
      ("83x61", "ant/a.JPEG"), ("61x107", "ant/b.jpe"), ("20x27", "bee/c.jfif"), ("203x152", "bee/d-class7.jpg"),
    ]
    return try files.map { size, name in
      try temporary.write(try ImageFixture.data("photo-\(size).jpg"), "photos/" + name)
      return try RGBImage.read(root + "/photos/" + name)
    }
  }

  @Test func photographsAreCropped() throws {
    let (images, path) = (try photographs(), root + "/photos")
    for crop in ImageCrop.allCases {
      for fit in [ImageFit.cropped(crop, side: 32), .croppedUnlessFitting(crop, side: 32)] {
        let folder = try ImageFolder(path, fit: fit)
        #expect((folder.width, folder.height, folder.count) == (32, 32, 4) && folder.record.crop == crop)
        // What is kept is what was read.
        for _ in 0..<2 {
          for (index, image) in images.enumerated() {
            #expect(try folder.pixels(at: index) == crop.cropped(image, side: 32).pixels)
          }
        }
        #expect(
          folder.cropSummary?.hasPrefix("4 of sizes 20 x 27 to 203 x 152, cropped to 32 x 32") == true
            && folder.cropSummary?.hasSuffix("(--crop \(crop)); 1 of them enlarged") == true)
      }
    }
    #expect(throws: DatasetError.self) { try ImageFolder(path) }
  }

  /// Where all have the model's size nothing is to be done unless it is asked for.
  @Test func imagesThatFitAreTakenAsTheyAre() throws {
    let bytes = try ImageFixture.data("photo-64x64.jpg")
    try temporary.write(bytes, "a-class0.jpg")
    try temporary.write(bytes, "b-class1.JPEG")
    let image = try RGBImage.read(root + "/a-class0.jpg")
    let plain = try ImageFolder(root, fit: .croppedUnlessFitting(.var, side: 64))
    #expect(try plain.pixels(at: 0) == image.pixels && plain.record.crop == nil && plain.cropSummary == nil)
    #expect(plain.classNames == ["class0", "class1"])
    let cropped = try ImageFolder(root, fit: .cropped(.var, side: 64))
    #expect(try cropped.pixels(at: 0) == ImageCrop.var.cropped(image, side: 64).pixels && cropped.record.crop == .var)
  }

  /// No more is kept than was allowed.
  @Test func keptImagesHaveABound() throws {
    let path = try temporary.write(try ImageFixture.data("photo-83x61.jpg"), "a.jpg")
    let images = CroppedImages(.adm, side: 32, limit: 2 * 32 * 32 * 3)
    let expected = try images.pixels(0, at: path)
    for index in 1...2 { #expect(try images.pixels(index, at: path) == expected) }
    try FileManager.default.removeItem(atPath: path)
    for index in 0...1 { #expect(try images.pixels(index, at: path) == expected) }
    #expect(throws: ArtifactError.missingFile(path: path)) { try images.pixels(2, at: path) }
  }

  @Test func aRunGoesOnWithItsCrop() throws {
    _ = try photographs()
    let path = root + "/photos"
    let record = try ImageFolder(path, fit: .croppedUnlessFitting(.adm, side: 32)).record
    for fit in [ImageFit.croppedUnlessFitting(.var, side: 32), .cropped(.adm, side: 32)] {
      let folder = try ImageFolder(path, fit: fit, recorded: record)
      #expect(folder.record == record && folder.width == 32)
      #expect(folder.cropSummary == "4, cropped to 32 x 32 as ADM does (--crop adm)")
    }
    for fit in [ImageFit.asTheyAre, .cropped(.var, side: 32)] {
      let error = #expect(throws: DatasetError.changedCrop(path: path, began: .adm)) {
        try ImageFolder(path, fit: fit, recorded: record)
      }
      #expect(error?.exitCode == 65 && error?.description.contains("--crop adm") == true)
    }
    // Runs that began before there were crops.
    let plain = try recordedSet()
    let text = String(decoding: try JSONEncoder().encode(plain), as: UTF8.self)
    #expect(!text.contains("crop"))
    #expect(try JSONDecoder().decode(ImageSetRecord.self, from: Data(text.utf8)) == plain)
    let set = try ImageFolder(root + "/set", fit: .croppedUnlessFitting(.var, side: 32), recorded: plain)
    #expect((set.width, set.height) == (6, 4))
  }

  @Test func badFoldersAreTypedErrors() throws {
    #expect(throws: DatasetError.noImages(path: root)) { try ImageFolder(root) }
    #expect(throws: DatasetError.missingFolder(path: root + "/none")) { try ImageFolder(root + "/none") }
    for name in ["a.png", "c.png"] { try write(name, gray: 1) }
    let folder = try ImageFolder(root)
    // What is replaced or removed while it is in use.
    let mixed = DatasetError.mixedSizes(path: "\(root)/c.png", expected: [4, 6], found: [4, 5])
    try RGBImage(width: 5, height: 4, gray: 9).write("\(root)/c.png")
    #expect(throws: mixed) { try folder.batch([0, 1]) }
    #expect(throws: mixed) { try ImageFolder(root) }
    #expect(mixed.exitCode == 65 && !mixed.description.contains("\n"))
    try FileManager.default.removeItem(atPath: "\(root)/c.png")
    #expect(throws: DatasetError.unreadable(.missingFile(path: "\(root)/c.png"))) { try folder.pixels(at: 1) }
  }

  /// Every file is looked at before any work, and all that cannot be used are known at once.
  @Test func filesThatCannotBeUsedAreFoundBeforehand() throws {
    for name in ["a.png", "b.png", "c.png", "d.png"] { try write(name, gray: 1) }
    try Data("PNG? no".utf8).write(to: URL(fileURLWithPath: "\(root)/b.png"))
    let cut = try temporary.contents("d.png").prefix(50)
    try cut.write(to: URL(fileURLWithPath: "\(root)/d.png"))
    var checked = 0
    let error = #expect(throws: DatasetError.self) {
      try ImageFolder(root) { done, total in
        #expect(total == 4)
        checked = done
      }
    }
    guard case .badImages(_, let bad, count: 4)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let texts = bad.map(\.description)
    #expect(checked == 4 && texts.count == 2 && texts[0].contains("b.png") && texts[1].contains("d.png"))
    #expect(error?.exitCode == 65 && error?.description.contains("2 of 4 images cannot be used") == true)
  }

  // MARK: Resuming

  private func recordedSet() throws -> ImageSetRecord {
    for name in ["ant", "bee"] { try temporary.makeFolder("set/" + name) }
    for (index, name) in ["ant/a.png", "bee/b.png", "bee/c.png"].enumerated() {
      try write("set/" + name, gray: UInt8(100 + index))
    }
    return try ImageFolder(root + "/set").record
  }

  /// Images read at the start, given what a run recorded.
  private func read(_ path: String, _ record: ImageSetRecord) throws -> (files: Int, hasMoved: Bool) {
    var files = 0
    let folder = try ImageFolder(path, recorded: record) { files = max(files, $1 * min(1, $0)) }
    #expect(folder.record == record)
    return (files, folder.hasMoved)
  }

  @Test func aRunGoesOnWithTheSameImages() throws {
    let record = try recordedSet()
    // Nothing but the first one, for the size, is read where all is as it was.
    #expect(try read(root + "/set", record) == (1, false))
    try FileManager.default.copyItem(atPath: root + "/set", toPath: root + "/copy")
    #expect(try read(root + "/copy", record) == (3, true))
  }

  /// What is done to a set, and what is said of it.
  @Test(arguments: ["added", "removed", "exchanged", "renamed"]) func aRunDoesNotGoOnWithOthers(change: String) throws {
    let record = try recordedSet()
    let (path, file) = (root + "/set", root + "/set/bee/c.png")
    let detail: String
    switch change {
    case "added":
      try write("set/ant/new.png", gray: 9)
      detail = "has 4 images where the run began with 3"
    case "removed":
      try FileManager.default.removeItem(atPath: file)
      detail = "has 2 images where the run began with 3"
    case "exchanged":
      // Of the same size and time: only the contents tell.
      let date = try #require(try FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date)
      let size = try temporary.contents("set/bee/c.png").count
      try write("set/bee/c.png", gray: 103)
      #expect(try temporary.contents("set/bee/c.png").count == size)
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: file)
      detail = "holds other images than the run began with, under the same names"
    default:
      try FileManager.default.moveItem(atPath: file, toPath: path + "/bee/d.png")
      detail = "has images of other names than the run began with"
    }
    #expect(throws: DatasetError.changedImages(path: path, detail: detail)) {
      try ImageFolder(path, recorded: record)
    }
  }

  private func write(_ name: String, gray: UInt8) throws {
    try RGBImage(width: 6, height: 4, gray: gray).write("\(root)/\(name)")
  }
}
