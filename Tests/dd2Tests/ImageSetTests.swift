import Artifacts
import Foundation
import TestSupport
import Testing

/// Images of one's own: which class they are of, whether they can be used, and whether a resumed run has the same ones.
@Suite(.serialized) struct ImageSetTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private let models = Command.bundledModels

  private static let smallest = [
    "--set", "stage1.steps=2", "--batch", "2", "--set", "noise_levels=1", "--set", "stage2.score_updates=1",
    "--set", "stage2.first_score_updates=1", "--set", "warm_start.steps=0", "--set", "stage1.images=50",
    "--evaluate-every", "0",
  ]

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
    _ = try run(["data", "render", "-o", "flat", "--count", "60"])
  }

  private func run(_ arguments: [String]) throws -> Command.Outcome { try dd2.succeeding(arguments, models: models) }

  private func distill(_ data: String, _ options: [String] = []) -> [String] {
    ["distill", "--data", data] + (options.contains("--steps") ? [] : ["--steps", "1"]) + Self.smallest + options
  }

  private func refuses(_ arguments: [String], status: Int32 = 65, saying parts: [String]) throws {
    try dd2.expectFailure(arguments, status: status, saying: parts, models: models)
  }

  /// Copies the rendered images into a folder per class, which has the name given for its class.
  private func sort(into name: String, _ classes: (Int) -> String?) throws {
    for file in try folder.names(in: "flat") {
      let label = try #require(file.split(separator: "class").last?.dropLast(".png".count))
      guard let folderName = classes(try #require(Int(label))) else { continue }
      let target = try folder.makeFolder("\(name)/\(folderName)")
      try FileManager.default.copyItem(atPath: folder.file("flat/" + file), toPath: "\(target)/\(file)")
    }
  }

  private func recordedClasses(ofRun run: String) throws -> [String: Int]? {
    let images = try #require(try folder.record(ofRun: run)["images"] as? [String: Any])
    let folders = (images["classes"] as? [String: Any])?["folders"] as? [String: Any]
    return folders?["numbers"] as? [String: Int]
  }

  // MARK: Classes

  /// A class that is lost must not make the next one take its number.
  @Test func labelsDoNotShift() throws {
    try sort(into: "bc") { "\($0)" }
    try sort(into: "one") { "\($0 + 1)" }
    try sort(into: "high") { $0 < 7 ? nil : "\($0)" }
    for file in try folder.names(in: "bc/3") { try FileManager.default.removeItem(atPath: folder.file("bc/3/" + file)) }
    try folder.makeFolder("loose")
    try RGBImage(width: 32, height: 32, gray: 3).write(folder.file("loose/a.png"))
    let teacher = ["teacher", "encode", "shapes32-var", "-o", "tokens.h5", "--images"]
    for (data, part) in [
      ("bc", "its folder 3 holds no image"), ("one", "mixed (1, 10, 2)"), ("high", "has 3 folder(s)"),
      ("loose", "a.png carries no class"),
    ] {
      for command in [distill(data, ["--run", "run"]), teacher + [data]] {
        try refuses(command, saying: [data + ": ", part, "--classes text", "numbers", "FILE"])
      }
    }
    try refuses(["teacher", "train", "--run", "run", "--data", "high"], saying: ["and not 0 to 2", "--classes text"])
    try FileManager.default.copyItem(
      atPath: folder.file("loose/a.png"), toPath: folder.file("flat/x-class202411.png"))
    try refuses(["teacher", "train", "--run", "run", "--data", "flat"], saying: ["x-class202411.png", "202411"])
    #expect(try folder.names(in: ".").filter { ["run", "runs", "tokens.h5"].contains($0) } == [])
  }

  /// The rule is told, recorded, and holds for the whole run.
  @Test func aRunKeepsTheClassesThatItBeganWith() throws {
    try sort(into: "high") { $0 < 7 ? nil : "\($0)" }
    let begun = try run(distill("high", ["--classes", "numbers", "--run", "run"]))
    #expect(begun.log.contains("classes: 3 folder(s) by number, 7 = 7 ... 9 = 9; without images: 0, 1"), "\(begun.log)")
    #expect(try recordedClasses(ofRun: "run") == ["7": 7, "8": 8, "9": 9])
    let resume = ["distill", "--steps", "2", "--run", "run", "--resume"]
    let resumed = try run(resume)
    #expect(resumed.log.contains("classes: 3 folder(s) as the run began, 7 = 7"), "\(resumed.log)")
    try refuses(resume + ["--data", "high", "--classes", "text"], saying: ["other classes than the run began with"])
    _ = try run(resume + ["--data", "high", "--classes", "numbers"])
    // Whoever reads tokens can see how they were labelled.
    try folder.write("# class\n7,1\n8,2\n9,0\n", to: "list")
    _ = try run([
      "teacher", "encode", "shapes32-var", "--images", "high", "-o", "tokens.h5", "--classes", "list",
    ])
    let tokens = try HDF5File(reading: folder.file("tokens.h5"))
    #expect(Set(try #require(try tokens.read("labels").ints)) == [0, 1, 2])
    #expect(try tokens.attributes()["classes"]?.string == #"{"folders":{"numbers":{"7":1,"8":2,"9":0}}}"#)
    try refuses(distill("high", ["--classes", "none"]), status: 66, saying: ["none: no such file"])
  }

  /// A teacher that was trained here knows its classes by name: those of shapes32 are not in alphabetical order, and one
  /// class less is no other class.
  @Test func foldersGoByTheTeachersNames() throws {
    for file in try folder.names(in: "flat") {
      let target = try folder.makeFolder("shapes/\(file.split(separator: "-")[1])")
      try FileManager.default.copyItem(atPath: folder.file("flat/" + file), toPath: "\(target)/\(file)")
    }
    for data in ["shapes", "flat"] {
      _ = try run(["teacher", "encode", "shapes32-var", "--images", data, "-o", data + ".h5"])
    }
    func histogram(_ name: String) throws -> [Int: Int] {
      let labels = try #require(try HDF5File(reading: folder.file(name)).read("labels").ints)
      return Dictionary(grouping: labels) { $0 }.mapValues(\.count)
    }
    #expect(try histogram("shapes.h5") == histogram("flat.h5"))
    let names = ["ant", "zebra", "bee"]
    try sort(into: "three") { $0 < 3 ? names[$0] : nil }
    _ = try run([
      "teacher", "train", "--data", "three", "--run", "teacher", "--tokenizer-steps", "1", "--transformer-steps", "1",
    ])
    try sort(into: "two") { $0 == 1 || $0 == 2 ? names[$0] : nil }
    let teacher = ["--teacher", "teacher/teacher.h5"]
    _ = try run(distill("two", ["--run", "run"] + teacher))
    #expect(try recordedClasses(ofRun: "run") == ["bee": 1, "zebra": 2])
    try sort(into: "other") { $0 < 3 ? "c\($0)" : nil }
    try refuses(distill("other", teacher), saying: ["its folder c0 is none of the teacher's classes"])
    _ = try run(distill("other", ["--classes", "text"] + teacher))
  }

  // MARK: Files

  @Test func brokenImagesAreFoundBeforeTraining() throws {
    let names = try folder.names(in: "flat")
    for name in [names[5], names[40]] {
      try folder.contents("flat/" + name).prefix(100).write(to: URL(fileURLWithPath: folder.file("flat/" + name)))
    }
    let encode = ["teacher", "encode", "shapes32-var", "--images", "flat", "-o", "tokens.h5"]
    for command in [
      distill("flat", ["--run", "run"]), ["teacher", "train", "--data", "flat", "--run", "run"], encode,
    ] {
      let outcome = try dd2(command, models: models)
      #expect(outcome.status == 65 && outcome.logLines.count == 3, "\(outcome.log)")
      #expect(outcome.logLines.last?.contains("flat: 2 of 60 images cannot be used") == true, "\(outcome.log)")
      for name in [names[5], names[40]] { #expect(outcome.log.contains("flat/\(name): damaged")) }
    }
    for name in [names[5], names[40]] {
      try RGBImage(width: 16, height: 16, gray: 1).write(folder.file("flat/" + name))
    }
    try refuses(
      encode + ["--crop", "none"],
      saying: ["flat/\(names[5]): is 16 x 16 pixels where the folder's first image is 32 x 32"])
    #expect(try folder.names(in: ".").filter { ["run", "tokens.h5"].contains($0) } == [])
  }

  /// Photographs of all sizes, cropped as the teacher's family does or as one says, and so for the whole run.
  @Test func photographsOfAllSizes() throws {
    for (index, size) in ["83x61", "61x107", "20x27", "203x152"].enumerated() {
      try folder.makeFolder("photos/\(index % 2)")
      try folder.write(try ImageFixture.data("photo-\(size).jpg"), "photos/\(index % 2)/\(index).JPEG")
    }
    let train = ["teacher", "train", "--data", "photos", "--run", "teacher", "--family", "llamagen"]
    let begun = try run(train + ["--tokenizer-steps", "1", "--transformer-steps", "1"])
    #expect(
      begun.log.contains(
        "images: 4 of sizes 20 x 27 to 203 x 152, cropped to 32 x 32 as ADM does (--crop adm); 1 of them enlarged"),
      "\(begun.log)")
    let resume = ["teacher", "train", "--run", "teacher", "--resume"]
    #expect(try run(resume).log.contains("images: 4, cropped to 32 x 32 as ADM does (--crop adm)"))
    for crop in ["var", "none"] {
      try refuses(resume + ["--data", "photos", "--crop", crop], saying: ["photos: the run began with --crop adm"])
    }
    let encode = ["teacher", "encode", "shapes32-var", "--images", "photos", "-o", "tokens.h5", "--classes", "numbers"]
    try refuses(encode + ["--crop", "none"], saying: ["photos/0/2.JPEG: is 20 x 27 pixels", "--crop"])
    #expect(try run(encode).log.contains("(--crop var)"))
    let distilled = try run(distill("photos", ["--run", "run", "--classes", "numbers", "--crop", "adm"]))
    #expect(distilled.log.contains("(--crop adm)"))
    let images = try #require(try folder.record(ofRun: "run")["images"] as? [String: Any])
    #expect(images["crop"] as? String == "adm")
    let again = ["distill", "--steps", "2", "--run", "run", "--resume", "--data", "photos", "--crop"]
    try refuses(again + ["var"], saying: ["photos: the run began with --crop adm"])
    _ = try run(again + ["adm"])
    try refuses(["distill", "--crop", "adm"], status: 64, saying: ["--crop", "--data DIR"])
    try refuses(distill("photos", ["--set", "crop=half"]), status: 64, saying: ["crop is half", "var or adm or none"])
  }

  @Test func changedImagesEndAResumedRun() throws {
    _ = try run(distill("flat", ["--run", "run"]))
    let train = ["teacher", "train", "--data", "flat", "--run", "teacher", "--tokenizer-steps", "1"]
    _ = try run(train + ["--transformer-steps", "1"])
    let moved = try run(["teacher", "train", "--run", "teacher", "--resume"])
    #expect(!moved.log.contains("moved or copied"))
    let path = folder.file("flat/" + (try #require(folder.names(in: "flat").first)))
    let contents = try Data(contentsOf: URL(fileURLWithPath: path))
    let date = try #require(try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
    let resumed = [
      ["distill", "--steps", "2", "--run", "run", "--resume"], ["teacher", "train", "--run", "teacher", "--resume"],
    ]
    func change(saying part: String, _ body: () throws -> Void) throws {
      try body()
      for command in resumed { try refuses(command, saying: ["flat: ", part, "start a new run"]) }
    }
    try change(saying: "has 59 images where the run began with 60") { try FileManager.default.removeItem(atPath: path) }
    try change(saying: "holds other images than the run began with") {
      try RGBImage(width: 32, height: 32, gray: 3).write(path)
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
    }
    try contents.write(to: URL(fileURLWithPath: path))
    for command in resumed { #expect(try run(command).log.contains("flat: moved or copied")) }
    // What only this copy has is in no file that outlives the run.
    for name in ["run/generator.h5", "teacher/teacher.h5"] {
      let training = try HDF5File(reading: folder.file(name)).attributes()["training"]?.string
      #expect(training?.contains(#""contents":"#) == true && training?.contains(#""state":"#) == false)
    }
  }

  // MARK: Teachers of unknown images

  @Test func aTeacherThatDoesNotTellItsImages() throws {
    var file = try Checkpoint.read(from: models + "/shapes32-var-teacher.h5")
    file.metadata["training"] = nil
    try file.write(to: folder.file("unknown.h5"))
    let teacher = ["--teacher", "unknown.h5"]
    // Who has nothing but the weights can begin.
    let own = try run(["distill", "--steps", "1", "--run", "own"] + teacher + Self.smallest)
    #expect(own.log.contains("stage 1 learns sequences that the teacher draws"), "\(own.log)")
    #expect(try folder.settings(ofRun: "own")["data"] == "teacher")
    let tokens = try HDF5File(reading: folder.file("own/sequences/sequences.h5"))
    #expect(try tokens.shape(of: "ids") == [4, 130])
    _ = try run(["distill", "--steps", "2", "--run", "own", "--resume"])
    _ = try run(distill("shapes32", ["--run", "run"] + teacher))
    let table = try run(
      ["evaluate", "--count", "20", "--generators-only", "--checkpoint", "run/generator.h5"] + teacher)
    #expect(table.log.contains("unknown.h5 does not say what images it has learned"), "\(table.log)")
  }

  // MARK: Tokens

  @Test func tokensTakeThePlaceOfImages() throws {
    _ = try run(["teacher", "encode", "shapes32-var", "--images", "flat", "-o", "tokens.h5"])
    let command = ["distill", "--steps", "1"] + Self.smallest
    let outcome = try run(command + ["--tokens", "tokens.h5", "--run", "run"])
    #expect(outcome.log.contains("tokens: 60 sequences of tokens.h5"), "\(outcome.log)")
    _ = try run(distill("flat", ["--run", "images"]))
    let generators = try ["run", "images"].map { try Checkpoint.read(from: folder.file($0 + "/generator.h5")).ema }
    #expect(generators[0] == generators[1])
    try FileManager.default.moveItem(atPath: folder.file("tokens.h5"), toPath: folder.file("moved.h5"))
    let resume = ["distill", "--steps", "2", "--run", "run", "--resume"]
    _ = try run(resume + ["--tokens", "moved.h5"])
    _ = try run(["teacher", "sample", "shapes32-var", "--count", "60", "--tokens-out", "o.h5"])
    // A preset as a file says nothing of tokens.
    let preset = try run(["presets", "shapes32-var"]).output
    _ = try folder.write(Data(preset.utf8), "preset.yaml")
    _ = try run(resume + ["--config", "preset.yaml"] + Self.smallest)
    for other in [["--tokens", "o.h5"], ["--data", "flat"], ["--data", "teacher"]] {
      try refuses(resume + other, status: 64, saying: ["the run to resume has another \(other[0].dropFirst(2))"])
    }
    try refuses(
      command + ["--tokens", "moved.h5", "--data", "flat"], status: 64, saying: ["--tokens stand for images"])
    try refuses(
      command + ["--tokens", "moved.h5", "--set", "data=flat"], status: 64, saying: ["tokens stand for images"])
    try refuses(
      command + ["--tokens", "moved.h5", "--teacher", "shapes32-llamagen"], saying: ["moved.h5", "ids", "[60, 64]"])
    try refuses(
      ["distill", "--steps", "1", "--tokens", "moved.h5", "--method", "dd1"], status: 64,
      saying: ["--tokens has no effect: it needs method dd2"])
    try refuses(command + ["--tokens", "nowhere.h5", "--run", "none"], status: 66, saying: ["nowhere.h5"])
  }
}
