import Artifacts
import Foundation
import TestSupport
import Testing

/// `dd2 fid` and `dd2 ref build` on small folders, with the features of shapes32: results and refusals.
@Suite struct FIDCommandTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private func run(_ arguments: String, environment: [String: String] = [:]) throws -> Command.Outcome {
    try dd2.succeeding(
      arguments.split(separator: " ").map(String.init), models: Command.bundledModels, environment: environment)
  }

  private func json(_ arguments: String, environment: [String: String] = [:]) throws -> [String: Any] {
    try #require(try run(arguments + " --json", environment: environment).json() as? [String: Any])
  }

  private func fails(_ arguments: String, _ status: Int32, _ parts: [String]) throws {
    try dd2.expectFailure(
      arguments.split(separator: " ").map(String.init), status: status, saying: parts,
      models: Command.bundledModels)
  }

  /// Renders a few images.
  private func render(_ count: Int = 4, to name: String = "out", seed: Int = 0) throws {
    _ = try run("data render -o \(name) --count \(count) --seed \(seed)")
  }

  /// Writes `mu` (n), `sigma` (n, n).
  private func writeStatistics(_ n: Int, to name: String) throws {
    try NumPyWriter.write(
      [
        ("mu", [n], [Double](repeating: 0, count: n)), ("sigma", [n, n], [Double](repeating: 0, count: n * n)),
      ], to: folder.file(name))
  }

  // MARK: Images

  @Test func imagesThatAreRefused() throws {
    try render(2, to: "jpeg")
    try folder.write(Data([0xFF, 0xD8, 0xFF, 0xE0, 0]), "jpeg/a.jpg")
    try fails("fid --ref shapes32 --images jpeg", 65, ["jpeg/a.jpg", "damaged", "--skip-bad"])
    try render(2, to: "alpha")
    try folder.write(PNGFixture.rgba8.data, "alpha/a.png")
    try fails("fid --ref shapes32 --images alpha", 65, ["alpha/a.png", "transparency", "--alpha drop"])
    try render(2, to: "sizes")
    try folder.write(PNGFixture.rgb8.data, "sizes/a.png")
    try fails("fid --ref shapes32 --images sizes", 65, ["32 x 32", "5 x 4", "--resize"])
  }

  @Test func optionsThatLetThemIn() throws {
    try render(2)
    try folder.write(PNGFixture.rgba8.data, "out/a.png")
    let found = try json("fid --ref shapes32 --alpha drop --resize 32")
    #expect(found["count"] as? Int == 3 && found["alpha"] as? String == "drop")
    #expect(found["resize"] as? String == "32 x 32")
    #expect((found["images_details"] as? [String: Any])?["resized"] as? Int == 1)
  }

  /// They are measured, and it is said that they are what they are, from the cache too.
  @Test func photographs() throws {
    for (index, size) in ["83x61", "61x107", "203x152"].enumerated() {
      try folder.makeFolder("photos")
      try folder.write(try ImageFixture.data("photo-\(size).jpg"), "photos/\(index).JPEG")
    }
    try render(2)
    try folder.write(try ImageFixture.data("photo-32x32.jpg"), "out/a.jpg")
    let crop = "--extractor shapes32 --resize 32 --crop"
    let environment = ["XDG_CACHE_HOME": folder.file("cache")]
    var values: Set<Double> = []
    for kind in ["var", "adm", "var"] {
      let found = try json("fid --ref photos --images out \(crop) \(kind)", environment: environment)
      #expect(found["crop"] as? String == kind && found["resize"] as? String == "32 x 32")
      let sides = ["images_details", "reference_details"].map { found[$0] as? [String: Any] }
      #expect(sides.map { $0?["jpeg"] as? Int } == [1, 3])
      let warnings = try #require(found["warnings"] as? [String]).filter { $0.contains("JPEG") }
      #expect(warnings.count == 2 && warnings[0].contains("1 of 3") && warnings[1].contains("3 of 3"))
      values.insert(try #require(found["fid"] as? Double))
    }
    #expect(values.count == 2)
    let built = try run("ref build --images photos -o ref.h5 \(crop) adm")
    #expect(built.log.contains("3 of 3 images in photos are JPEG"), "\(built.log)")
    for wrong in ["--crop var", "--crop adm --resize 32x16"] {
      try fails("fid --ref photos --images out \(wrong)", 64, ["--crop", "--resize N"])
    }
  }

  @Test func badFilesAreLeftOutOnRequestOnly() throws {
    try render(5)
    let name = try #require(folder.names(in: "out").first)
    let damaged = URL(fileURLWithPath: folder.file("out/\(name)"))
    try Data(contentsOf: damaged).prefix(200).write(to: damaged)
    try fails("fid --ref shapes32", 65, [name, "damaged", "--skip-bad"])
    let outcome = try run("fid --ref shapes32 --skip-bad")
    #expect(outcome.output.contains("4 images in out, 1 left out"))
    #expect(outcome.log.contains(name))
    let details = try json("fid --ref shapes32 --skip-bad")["images_details"] as? [String: Any]
    #expect(details?["skipped"] as? Int == 1)
    let built = try run("ref build --images out --extractor shapes32 --skip-bad -o ref.h5")
    #expect(built.output.contains("statistics of 4 images in out, 1 left out"))
  }

  /// Hiding progress hides no warning.
  @Test func filesThatOnlyDecodingFindsBadAreNamedWithoutProgressToo() throws {
    try render(3)
    try folder.write(PNGFixture.undecodable, "out/b.png")
    let outcome = try run("fid --ref shapes32 --skip-bad --resize 32", environment: ["DD2_LOG": "warning"])
    #expect(outcome.output.contains("3 images in out, 1 left out"))
    #expect(outcome.log.contains("out/b.png"), "\(outcome.log)")
  }

  // MARK: References

  @Test func referencesThatAreRefused() throws {
    try render(3)
    try writeStatistics(3, to: "small.npz")
    try fails("fid --ref small.npz --extractor shapes32", 65, ["3", "128", "features"])
    try writeStatistics(128, to: "big.npz")
    let path = URL(fileURLWithPath: folder.file("big.npz"))
    var data = try Data(contentsOf: path)
    let place = try #require(data.range(of: Data("<f8".utf8)))
    data.replaceSubrange(place, with: Data(">f8".utf8))
    try data.write(to: path)
    try fails("fid --ref big.npz --extractor shapes32", 65, ["big.npz", "big-endian"])
    try folder.write("text\n", to: "text.npz")
    try fails("fid --ref text.npz --extractor shapes32", 65, ["text.npz"])
    try fails("fid --ref shapes32 --metrics fid,kid", 64, ["kid", "shapes32", "folder"])
    try fails("fid --ref shapes32 --metrics pr", 64, ["pr", "shapes32", "folder"])
    try fails("fid --ref shapes32 --metrics sfid", 64, ["sfid", "mu_s"])
    try fails("fid --ref shapes32 --metrics fid,is", 64, ["--metrics is", "shapes32-net"])
    try fails("fid --ref shapes32 --protocol clean", 64, ["--protocol"])
    try fails("ref build --images out -o ref.txt --extractor shapes32", 64, [".npz"])
  }

  /// Statistics say whose they are.
  @Test(arguments: ["extractor", "weights_sha256", "protocol"]) func statisticsOfOtherFeatures(attribute: String) throws
  {
    try render(3)
    _ = try run("ref build --images out --extractor shapes32 -o ours.h5")
    let ours = try HDF5File(reading: folder.file("ours.h5"))
    let writer = try HDF5Writer(path: folder.file("theirs.h5"))
    for (name, value) in try ours.attributes() {
      try writer.setAttribute(name, name == attribute ? .string("another") : value)
    }
    for name in ["mu", "sigma"] { try writer.write(try ours.read(name), to: name) }
    try writer.finish()
    try fails(
      "fid --ref theirs.h5 --extractor shapes32", 65, ["theirs.h5", "another", "cannot be compared"])
    _ = try run("fid --ref ours.h5")
  }

  @Test func whatIsNotFetchedIsUnavailable() throws {
    try fails("fid --ref imagenet256", 69, ["imagenet256", "https://", "dd2 weights fetch imagenet256-reference"])
    try render(2)
    try fails("fid --ref out", 69, ["dd2 weights fetch inception-fid"])
    try fails("ref build --images out -o ref.npz", 69, ["dd2 weights fetch inception-fid"])
    try folder.makeFolder("weights")
    try writeStatistics(2, to: "weights/VIRTUAL_imagenet256_labeled.npz")
    try fails("fid --ref imagenet256", 69, ["dd2 weights fetch inception-fid"])
    try folder.write("text", to: "weights/pt_inception-2015-12-05-6726825d.pth")
    try fails("fid --ref imagenet256", 65, ["pt_inception-2015-12-05-6726825d.pth"])
  }

  // MARK: Results

  @Test func builtReferencesGiveTheSameDistance() throws {
    try render(40)
    try render(50, to: "other", seed: 3)
    let direct = try #require(json("fid --ref other --extractor shapes32")["fid"] as? Double)
    #expect(direct > 0)
    for name in ["ref.h5", "ref.npz"] {
      _ = try run("ref build --images other --extractor shapes32 -o \(name)")
      let found = try json("fid --ref \(name) --extractor shapes32")
      #expect(abs(try #require(found["fid"] as? Double) / direct - 1) < 1e-9, "\(name)")
      #expect(found["reference_count"] as? Int == (name == "ref.h5" ? 50 : nil))
    }
    // Both sides may be statistics.
    let swapped = try #require(json("fid --ref out --images ref.h5 --extractor shapes32")["fid"] as? Double)
    #expect(abs(swapped / direct - 1) < 1e-9)
  }

  @Test func resultsDependOnNeitherBatchNorThreads() throws {
    try render(40)
    try render(50, to: "other", seed: 3)
    let command = "fid --ref other --extractor shapes32 --no-cache --metrics fid,kid,pr"
    let results = [
      try json(command), try json(command + " --batch 7", environment: ["DD2_THREADS": "1"]),
      try json(command + " --batch 1", environment: ["DD2_THREADS": "2"]),
    ]
    func kid(_ result: [String: Any]) throws -> Double {
      try #require((result["kid"] as? [String: Any])?["mean"] as? Double)
    }
    for other in results.dropFirst() {
      let (a, b) = (try #require(results[0]["fid"] as? Double), try #require(other["fid"] as? Double))
      #expect(abs(a / b - 1) < 1e-9)
      #expect(abs(try kid(results[0]) / kid(other) - 1) < 1e-9)
      #expect(results[0]["precision"] as? Double == other["precision"] as? Double)
      #expect(results[0]["recall"] as? Double == other["recall"] as? Double)
    }
    #expect((results[0]["kid"] as? [String: Any])?["subset_size"] as? Int == 40)
    #expect((results[0]["warnings"] as? [String])?.contains { $0.contains("subsets of 40") } == true)
  }

  @Test func referenceFoldersAreKeptUntilTheyChange() throws {
    try render(20)
    try render(20, to: "other", seed: 3)
    func details() throws -> [String: Any] {
      try #require(try json("fid --ref other --extractor shapes32")["reference_details"] as? [String: Any])
    }
    #expect(try details()["cached"] == nil)
    #expect(try details()["cached"] as? Bool == true)
    try render(21, to: "other", seed: 3)
    #expect(try details()["cached"] == nil)
    #expect(try details()["count"] as? Int == 21)
  }

  /// `cp -a` of other images over them leaves names, sizes and times as they were.
  @Test func aReferenceOfOtherImagesUnderTheSameNamesIsMeasured() throws {
    try render(20)
    for (name, seed) in [("a", 3), ("b", 4)] { try render(20, to: name, seed: seed) }
    let (a, b) = (try folder.names(in: "a"), try folder.names(in: "b"))
    try folder.makeFolder("ref")
    /// Fills the reference with equally many equally long files of one time.
    func fill(_ source: String, _ names: [String]) throws {
      for (index, name) in names.enumerated() {
        let path = folder.file("ref/\(index).png")
        // Bytes behind the image's end belong to no image.
        var contents = try folder.contents("\(source)/\(name)")
        contents += Data(repeating: 0, count: 5000 - contents.count)
        try? FileManager.default.removeItem(atPath: path)
        try contents.write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 9)], ofItemAtPath: path)
      }
    }
    func distance(_ options: String = "") throws -> Double {
      try #require(try json("fid --ref ref --extractor shapes32" + options)["fid"] as? Double)
    }
    try fill("a", a)
    let first = try distance()
    try fill("b", b)
    let second = try distance()
    #expect(second != first)
    #expect(abs(second / (try distance(" --no-cache")) - 1) < 1e-9)
  }

  @Test func foldersWithOtherImagesThanTheirRecordTellsOfAreWarnedOf() throws {
    try render(20)
    func warnings(_ record: String, _ options: String = "--ref shapes32") throws -> [String] {
      try folder.write(record, to: "out/samples.json")
      let found = try #require(json("fid \(options)")["warnings"] as? [String])
      return found.filter { $0.contains("samples.json") }
    }
    #expect(try warnings(#"{"count": 20, "completed": 20, "seed": 1}"#).isEmpty)
    #expect(try warnings(#"{"name": "mine"}"#).isEmpty)
    let other = try warnings(#"{"count": 400, "completed": 400}"#)
    #expect(other.count == 1 && other[0].contains("out holds 20 images") && other[0].contains("lists 400"))
    #expect(try warnings(#"{"count": 400, "completed": 20}"#).first?.contains("20 of 400") == true)
    // On the other side too, kept statistics included.
    try render(30, to: "other")
    for _ in 0..<2 {
      let side = "--images other --ref out --extractor shapes32"
      #expect(try warnings(#"{"count": 7, "completed": 7}"#, side).first?.contains("out holds 20 images") == true)
    }
  }

  @Test func refusalsOfFewImagesSayWhere() throws {
    try render(20)
    try render(3, to: "few")
    try fails("fid --images out --ref few --extractor shapes32 --metrics pr", 65, ["few: precision and recall of 3"])
    try fails("fid --images few --ref out --extractor shapes32 --metrics pr", 65, ["few: precision and recall of 3"])
    // One that only decoding finds bad makes them too few.
    try folder.makeFolder("two")
    let first = try #require(folder.names(in: "few").first)
    try folder.write(try folder.contents("few/\(first)"), "two/a.png")
    try folder.write(PNGFixture.undecodable, "two/b.png")
    let command = ["fid", "--images", "two", "--ref", "shapes32", "--skip-bad", "--resize", "32"]
    let outcome = try dd2(command, models: Command.bundledModels)
    #expect(outcome.status == 65 && outcome.log.contains("dd2: two: FID of 1 image(s)"), "\(outcome.log)")
    let found = try json("fid --images out --ref few --extractor shapes32 --metrics kid")
    #expect(found["kid"] != nil)
  }

  @Test func precisionOfFewImagesIsWarnedOf() throws {
    try render(20)
    try render(5, to: "few", seed: 3)
    let found = try json("fid --images out --ref few --extractor shapes32 --metrics pr")
    let warnings = try #require(found["warnings"] as? [String])
    #expect(warnings.contains { $0.contains("precision and recall of 20 images in out are uncertain by up to 0.11") })
    #expect(warnings.contains { $0.contains("precision and recall of 5 images in few are uncertain by up to 0.22") })
  }

  @Test func fewImagesAreWarnedOf() throws {
    try render(20)
    let outcome = try run("fid --ref shapes32")
    #expect(outcome.log.contains("WARNING: 20 images in out for 128 features"))
    #expect(outcome.log.contains("biased upward"))
    let built = try run(
      "ref build --images out --extractor shapes32 -o ref.h5", environment: ["DD2_LOG": "warning"])
    #expect(built.log.contains("WARNING: 20 images in out for 128 features"), "\(built.log)")
  }
}
