import Artifacts
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Which folder is which class: what is taken without being told, what must be told, and what is an error.
@Suite final class ClassMappingTests {
  private let temporary: TemporaryFolder
  private var root: String { temporary.path }

  init() throws { temporary = try TemporaryFolder() }

  /// Makes folders with an image each, or images where the names end in .png.
  private func make(_ names: [String], empty: [String] = []) throws {
    for name in names where !name.hasSuffix(".png") { try temporary.makeFolder("set/" + name) }
    for name in empty { try temporary.makeFolder("set/" + name) }
    if names.allSatisfy({ $0.hasSuffix(".png") }) { try temporary.makeFolder("set") }
    for name in names {
      let file = name.hasSuffix(".png") ? name : name + "/x.png"
      try RGBImage(width: 2, height: 2, gray: 1).write("\(root)/set/\(file)")
    }
  }

  private func folder(
    _ rule: ClassRule? = nil, _ known: KnownClasses = KnownClasses(), recorded: ImageSetRecord? = nil
  ) throws -> ImageFolder {
    try ImageFolder(root + "/set", classes: rule, known: known, recorded: recorded)
  }

  /// Class of each image by the name of its folder or file.
  private func labels(_ rule: ClassRule? = nil, _ known: KnownClasses = KnownClasses()) throws -> [Int32] {
    let folder = try folder(rule, known)
    return (0..<folder.count).map(folder.label(at:))
  }

  private func refuses(_ rule: ClassRule? = nil, _ known: KnownClasses = KnownClasses(), saying part: String) {
    let error = #expect(throws: DatasetError.self) { try self.folder(rule, known) }
    let text = error?.description ?? ""
    #expect(text.hasPrefix(root + "/set: ") && text.contains(part) && !text.contains("\n"), "\(text)")
    #expect(error?.exitCode == 65)
    if rule == nil, case .unclearClasses? = error {
      for choice in ["--classes text", "numbers", "FILE"] { #expect(text.contains(choice)) }
    }
  }

  // MARK: Without a rule

  @Test func textOrderHoldsWhereItIsWhatAnyReaderTakes() throws {
    try make(["n02", "n01", "n10"])
    #expect(try labels() == [0, 1, 2])
    #expect(try labels(nil, KnownClasses(count: 3)) == [0, 1, 2])
    #expect(try folder().record.classes == .folders(numbers: ["n01": 0, "n02": 1, "n10": 2]))
    #expect(try folder().classSummary == "3 folder(s) in text order, 0 = n01 ... 2 = n10")
    #expect(try folder().classNames == ["n01", "n02", "n10"])
  }

  /// Such as a class on a disk that is not mounted: the classes after it would move.
  @Test func aFolderThatIsGoneIsNotOverlooked() throws {
    try make(["a", "c"])
    try FileManager.default.createSymbolicLink(atPath: root + "/set/b", withDestinationPath: "/nowhere")
    let error = #expect(throws: DatasetError.self) { try self.folder() }
    #expect(error?.description.hasPrefix(root + "/set/b: ") == true && error?.exitCode == 66)
  }

  /// Two folders that are one name to Swift and to a reader, though not to the system.
  @Test func namesThatAreEqualTextAreRefused() throws {
    try make(["\u{E9}", "e\u{301}", "a"])
    refuses(saying: "two of its folders have the name")
    refuses(.text, saying: "two of its folders have the name")
  }

  /// Bytes, not a language's rules: what Python sorts by.
  @Test func textOrderIsThatOfCodePoints() throws {
    try make(["a-b", "a", "Z", "\u{E9}"])
    #expect(try folder().record.classes == .folders(numbers: ["Z": 0, "a": 1, "a-b": 2, "\u{E9}": 3]))
    #expect(try labels() == [0, 1, 2, 3])
  }

  @Test(arguments: [2, 4]) func anotherNumberThanTheTeachersIsUnclear(count: Int) throws {
    try make(["ant", "bee", "cat"])
    refuses(nil, KnownClasses(count: count), saying: "has 3 folder(s) of images where the teacher has \(count)")
  }

  @Test(arguments: [nil, 11] as [Int?]) func numbersWhoseOrderIsAnotherAreUnclear(count: Int?) throws {
    try make((0..<11).map { "class\($0)" })
    refuses(nil, KnownClasses(count: count), saying: "mixed (class0, class1, class10)")
  }

  /// Where there is a teacher of as many classes, they can only be meant in order.
  @Test func numbersThatAreNotTheClassesAreUnclearInTraining() throws {
    try make(["7", "8", "9"])
    refuses(saying: "its folders are numbers, and not 0 to 2")
    #expect(try labels(nil, KnownClasses(count: 3)) == [0, 1, 2])
  }

  @Test func anEmptyClassIsUnclear() throws {
    try make(["0", "2"], empty: ["1"])
    refuses(saying: "its folder 1 holds no image")
    refuses(nil, KnownClasses(count: 3), saying: "its folder 1 holds no image")
    #expect(try labels(.text, KnownClasses(count: 3)) == [0, 2])
    #expect(try labels(.numbers, KnownClasses(count: 3)) == [0, 2])
  }

  // MARK: Names that are known

  @Test func foldersGoByTheNamesThatTheTeacherKnows() throws {
    try make(["ring", "disk"])
    let shapes = ["ring": 0, "disk": 1, "bar": 2]
    let byName = KnownClasses(count: 3, numbers: shapes)
    #expect(try labels(nil, byName) == [1, 0])
    try make(["x"])
    refuses(nil, byName, saying: "its folder x is none of the teacher's classes")
    // An explicit rule is not the names' business.
    #expect(try labels(.text, byName) == [0, 1, 2])
  }

  @Test func namesThatOnlyMayBeKnownAreNoObstacle() throws {
    try make(["0", "1"])
    let known = ["ring": 1, "disk": 0]
    #expect(try labels(nil, KnownClasses(count: 2, numbers: known)) == [0, 1])
    refuses(nil, KnownClasses(count: 2, numbers: known, hasAllNames: true), saying: "its folder 0 is none of")
  }

  // MARK: Rules

  @Test func numbersAreTheClasses() throws {
    try make(["7", "10", "08"])
    #expect(try folder(.numbers).record.classes == .folders(numbers: ["7": 7, "10": 10, "08": 8]))
    let trained = try folder(.numbers)
    #expect(trained.classNames.count == 11 && trained.classNames[8] == "08" && trained.classNames[0] == "class0")
    #expect(trained.classSummary.contains("; without images: 0, 1, 2, 3, 4 and 3 more"))
    refuses(.numbers, KnownClasses(count: 10), saying: "its folder 10 is class 10 where the teacher has 0 to 9")
    try make(["8"])
    refuses(.numbers, saying: "two of its folders have the same one")
    try make(["x"])
    refuses(.numbers, saying: "its folder x is no number")
  }

  @Test func noTeacherOfEndlessClasses() throws {
    try make(["202411"])
    refuses(.numbers, saying: "its folder 202411 is class 202411")
  }

  @Test func aListSaysWhichIsWhich() throws {
    try make(["great tit", "cat, grey", "owl"])
    let path = root + "/list"
    try temporary.write(Data("# birds\n\ngreat tit 2\r\n  cat, grey,0\nowl\t2\nnone 7\n".utf8), "list")
    #expect(try labels(.list(reading: path), KnownClasses(count: 3)) == [0, 2, 2])
    // As spreadsheets write it.
    try temporary.write(Data("\u{FEFF}great tit,2\r\n\"cat, grey\",0\r\nowl,2\r\n\"a \"\"b\"\"\",1\r\n".utf8), "table")
    #expect(try labels(.list(reading: root + "/table"), KnownClasses(count: 3)) == [0, 2, 2])
    #expect(
      try ClassRule.list(reading: root + "/table")
        == .list(
          ["great tit": 2, "cat, grey": 0, "owl": 2, "a \"b\"": 1], path: root + "/table"))
    refuses(.list(["owl": 0], path: "list"), saying: "its folder cat, grey is not in list")
    refuses(
      .list(["owl": 3, "great tit": 0, "cat, grey": 1], path: "list"), KnownClasses(count: 3),
      saying: "its folder owl is class 3")
  }

  @Test(arguments: ["cat", "0 cat", "cat -1", "cat 1.5", "7", "cat 1\ncat 2"])
  func listsThatAreNone(text: String) throws {
    try temporary.write(Data(text.utf8), "list")
    let error = #expect(throws: ArtifactError.self) { try ClassRule.list(reading: root + "/list") }
    #expect(error?.description.contains("line \(text.contains("\n") ? 2 : 1)") == true)
    #expect(throws: ArtifactError.missingFile(path: "none")) { try ClassRule.list(reading: "none") }
  }

  // MARK: Loose images

  @Test func numbersInNames() throws {
    try make(["a-class1.png", "b-class0.png"])
    #expect(try folder().record.classes == .fileNames)
    #expect(try labels(nil, KnownClasses(count: 10)) == [1, 0])
    #expect(try folder(nil, KnownClasses(count: 10)).classSummary.contains("without images: 2, 3"))
    refuses(.text, saying: "leave it out")
    try make(["x-class202411.png"])
    refuses(saying: "x-class202411.png names class 202411")
    refuses(nil, KnownClasses(count: 10), saying: "x-class202411.png names class 202411, where the teacher has 0 to 9")
    try make(["x-class99999999999999999999.png"])
    refuses(nil, KnownClasses(count: 10), saying: "x-class")
  }

  @Test func imagesWithoutAClass() throws {
    try make(["a.png", "b.png"])
    #expect(try folder().record.classes == .single && labels() == [0, 0])
    #expect(try labels(nil, KnownClasses(count: 1)) == [0, 0])
    refuses(nil, KnownClasses(count: 10), saying: "a.png carries no class")
    try make(["c-class0.png"])
    #expect(try labels(nil, KnownClasses(count: 1)) == [0, 0, 0])
    refuses(saying: "a.png carries no class")
  }

  // MARK: Resuming

  @Test func aRunKeepsItsClasses() throws {
    try make(["1", "2", "10"], empty: ["3"])
    let known = KnownClasses(count: 4)
    let begun = try folder(.text, known)
    #expect(begun.record.classes == .folders(numbers: ["1": 0, "10": 1, "2": 2, "3": 3]))
    // Without the option, and with the same one.
    for rule in [nil, .text] as [ClassRule?] {
      let resumed = try folder(rule, known, recorded: begun.record)
      #expect((0..<3).map(resumed.label(at:)) == [0, 1, 2] && resumed.record == begun.record)
    }
    let other = ClassRule.list(["1": 0, "10": 1, "2": 3], path: "list")
    let error = #expect(throws: DatasetError.self) { try self.folder(other, known, recorded: begun.record) }
    #expect(error?.description.contains("other classes than the run began with") == true)
    let json = try JSONEncoder().encode(begun.record)
    #expect(try JSONDecoder().decode(ImageSetRecord.self, from: json) == begun.record)
  }
}
