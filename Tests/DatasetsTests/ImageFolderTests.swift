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
    for name in ["zebra", "ant", "empty"] { try temporary.makeFolder(name) }
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
    try write("other.png", gray: 3)
    let folder = try ImageFolder(root)
    #expect((0..<3).map(folder.label(at:)) == [2, 0, 0])
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
    for name in ["ant/empty/none", "bee/deep/er"] { try temporary.makeFolder(name) }
    try write("ant/x.png", gray: 20)
    #expect(try ImageFolder(root).classNames == ["ant"])
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

  /// A class of JPEG files would vanish, and the classes after it get other numbers.
  @Test func imagesOfOtherFormatsAreAnError() throws {
    for name in ["ant", "bee"] { try temporary.makeFolder(name) }
    try write("ant/x.png", gray: 20)
    try Data([0xFF, 0xD8, 0xFF]).write(to: URL(fileURLWithPath: "\(root)/bee/y.jpg"))
    let error = #expect(throws: DatasetError.self) { try ImageFolder(root) }
    #expect(error?.description.contains("bee/y.jpg") == true && error?.description.contains("not PNG") == true)
  }

  @Test func badFoldersAreTypedErrors() throws {
    #expect(throws: DatasetError.noImages(path: root)) { try ImageFolder(root) }
    #expect(throws: DatasetError.missingFolder(path: root + "/none")) { try ImageFolder(root + "/none") }
    try write("a.png", gray: 1)
    try Data("PNG? no".utf8).write(to: URL(fileURLWithPath: "\(root)/b.png"))
    try PNGImage(width: 5, height: 4, gray: 9).write("\(root)/c.png")
    let folder = try ImageFolder(root)
    let unreadable = #expect(throws: DatasetError.self) { try folder.pixels(at: 1) }
    #expect(unreadable?.exitCode == 65)
    #expect(unreadable?.description.contains("b.png") == true)
    let mixed = DatasetError.mixedSizes(path: "\(root)/c.png", expected: [4, 6], found: [4, 5])
    #expect(throws: mixed) { try folder.batch([0, 2]) }
    #expect(mixed.exitCode == 65)
    #expect(!mixed.description.contains("\n"))
  }

  private func write(_ name: String, gray: UInt8) throws {
    try PNGImage(width: 6, height: 4, gray: gray).write("\(root)/\(name)")
  }
}
