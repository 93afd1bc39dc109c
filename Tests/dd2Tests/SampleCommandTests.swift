import Foundation
import TestSupport
import Testing

/// `dd2 sample` with the bundled generators: few steps and the way between two samples.
@Suite struct SampleCommandTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func sample(_ arguments: String, to output: String) throws -> [String: Any] {
    let options = arguments.split(separator: " ").map(String.init)
    _ = try dd2.succeeding(["sample", "-o", output] + options, models: Command.bundledModels)
    return try folder.sampleRecord(in: output)
  }

  /// What the teacher corrects depends on its family; a call of each of the generator's parts and of the teacher counts.
  @Test(arguments: [
    ("shapes32-var", 2, "last-stages"), ("shapes32-llamagen", 3, "unlikely-tokens"),
  ])
  func fewStepsSayWhatTheyDid(_ teacher: String, calls: Int, correction: String) throws {
    let one = try sample("--one-step --teacher \(teacher) --count 3", to: "one")
    let few = try sample("--few-step \(calls) --teacher \(teacher) --count 3", to: "few")
    #expect(few["method"] as? String == "few-step" && few["correction"] as? String == correction)
    let own = try #require(one["calls_per_image"] as? Int)
    #expect(few["calls_per_image"] as? Int == own + calls - 1)
    #expect(one["correction"] == nil && one["method"] as? String == "one-step")
    let names = try folder.names(in: "one").filter { $0.hasSuffix(".png") }
    #expect(try names.count == 3 && folder.names(in: "few").filter { $0.hasSuffix(".png") } == names)
    #expect(try names.contains { try folder.imageDifference("one/" + $0, "few/" + $0) > 1 })
  }

  @Test func thePathLeadsFromSampleToSampleOfOneClass() throws {
    _ = try sample("--one-step --class 2 --count 8", to: "all")
    let record = try sample("--one-step --class 2 --interpolate 4:7 --count 5", to: "way")
    #expect(record["interpolation"] as? [String: Int] == ["from": 4, "to": 7])
    func way(_ image: Int) -> String { "way/00000\(image)-class2.png" }
    let (first, last) = ("all/000004-class2.png", "all/000007-class2.png")
    #expect(try folder.imageDifference(first, last) > 1)
    #expect(try folder.imageDifference(way(0), first) <= 1)
    #expect(try folder.imageDifference(way(4), last) <= 1)
    for end in [first, last] { #expect(try folder.imageDifference(way(2), end) > 1, "\(end)") }
    // Without a class, that of the first sample: classes take turns.
    let other = try sample("--one-step --interpolate 4:7 --count 2", to: "other")
    #expect(other["labels"] as? String == "4")
    #expect(try folder.names(in: "other").first == "000000-class4.png")
  }

  /// A folder that is refused keeps what it holds.
  @Test func otherImagesAreFoundBeforeEarlierOnesAreRemoved() throws {
    try folder.makeFolder("out")
    let names = ["000000-class0.png", "grid.png", "photo.png", "samples.json"]
    for name in names { try folder.write("{}", to: "out/" + name) }
    try dd2.expectFailure(
      ["sample", "--teacher-steps", "-o", "out", "--count", "1"], status: 73,
      saying: ["out: holds other images (photo.png)"], models: Command.bundledModels)
    #expect(try folder.names(in: "out") == names)
  }

  @Test(arguments: [
    ("--one-step --interpolate 3:3", "'3:3'; give the numbers of two different samples"),
    ("--one-step --interpolate 3", "'3'; give the numbers of two different samples"),
    ("--one-step --interpolate 3:-1", "'3:-1'; give the numbers of two different samples"),
    ("--one-step --interpolate 3:4:5", "'3:4:5'; give the numbers of two different samples"),
    ("--teacher-steps --interpolate 3:4", "--interpolate needs --one-step"),
    ("--few-step 2 --interpolate 3:4", "--interpolate needs --one-step"),
    ("--one-step --interpolate 3:4 --count 1", "--count is 1; a path takes 2 or more"),
  ])
  func waysThatAreNoneAreRefused(_ arguments: String, part: String) throws {
    try dd2.expectFailure(
      ["sample", "-o", "out"] + arguments.split(separator: " ").map(String.init), status: 64, saying: [part])
  }
}
