import Artifacts
import Foundation
import TestSupport
import Testing

/// Wrong use and bad files: the documented exit code and exactly one line on stderr.
@Suite struct WrongUseTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  /// Arguments in one string, and what the line must say.
  @Test(arguments: [
    ("distill --steps -3", "--steps is -3; give 0 or more"),
    ("distill --steps three", "--steps is 'three'; give a whole number"),
    ("distill --steps 5 --stepz 4", "--stepz"),
    ("distill --steps 5 --batch 0", "--batch is 0; give 1 to 65536"),
    ("distill --steps 5 --set average.decay=1", "--set: average.decay is 1; give 0 or more, below 1"),
    ("distill --steps 5 --set stage2.score_updates", "give a setting and its value"),
    ("distill --steps 5 --set score_updates=3", "no setting 'score_updates'; did you mean 'stage2.score_updates'?"),
    ("distill --steps 5 --set stage2.score_update=3", "did you mean 'stage2.score_updates'?"),
    ("distill --steps 5 --set nonsense=3", "no setting 'nonsense'; 'dd2 presets NAME' lists all"),
    ("distill --steps 5 --temperature 0", "--temperature is 0"),
    ("sample --teacher-steps -o out --temperature 1e-38", "give 0.001 or more"),
    ("distill --steps 5 --generator-lr nan", "--generator-lr is 'nan'; give a number"),
    ("distill --steps 5 --loss mse", "--loss is 'mse'; give sid or dmd"),
    ("distill --steps 5 --resume", "--resume needs --run"),
    ("distill --steps 5 --resume --run x --dry-run", "leave out --resume"),
    ("distill --steps 5 --preset var-d16", "needs the teacher's file"),
    ("distill --steps 5 --preset var-d99", "--preset is 'var-d99'; did you mean 'var-d16'? give one of shapes32-var"),
    ("distill --steps 5 --set generator.noise_gain=-1", "--set: generator.noise_gain is -1"),
    (
      "distill --steps 5 --set warm_start.steps=0 --set pairs.count=100",
      "--set: pairs.count has no effect: it needs warm_start.steps"
    ),
    ("distill --steps 5 --start x.h5 --set pairs.count=10", "--set: pairs.count has no effect"),
    (
      "distill --steps 5 --method dd1 --set stage2.regression_weight=1",
      "stage2.regression_weight has no effect: it needs method dd2"
    ),
    ("distill --steps 5 --set stage2.regression_weight=-1", "--set: stage2.regression_weight is -1"),
    (
      "distill --steps 5 --set warm_start.steps=0 --set warm_start.learning_rate=0.1",
      "warm_start.learning_rate has no effect"
    ),
    ("distill --steps 5 --set chain.steps=3", "--set: chain.steps has no effect: it needs a chain"),
    ("distill --steps 5 --method dd1 --set chain.parts=2 --set chain.steps=3", "chain.steps has no effect"),
    (
      "distill --steps 5 --start x.h5 --set generator.noise_gain=1",
      "generator.noise_gain has no effect: it needs head.estimate"
    ),
    ("distill --steps 5 --set head.estimate=linear --set generator.noise_gain=1", "generator.noise_gain has no effect"),
    ("distill --steps 5 --set stage2.first_score_updates=5000", "give 1 to 1024"),
    ("distill --steps 5 --method dd1 --score-lr 0.1", "--score-lr has no effect: it needs method dd2"),
    ("distill --steps 5 --method dd1 --start x.h5", "--start has no effect: it needs method dd2"),
    ("distill --steps 5 --set generator.parts=0", "--set: generator.parts is 0"),
    ("distill --steps 5 --set average.ramp=0", "--set: average.ramp is 0"),
    ("distill --steps 5 --start x.h5 --set generator.parts=2", "--set: generator.parts has no effect"),
    (
      "distill --steps 5 --set stage2.min_time=0.6 --set stage2.max_time=0.5",
      "give a number below stage2.max_time, 0.5"
    ),
    ("distill --steps 5 --set stage2.max_time=1.5", "--set: stage2.max_time is 1.5; give above 0, 1 at most"),
    (
      "distill --steps 5 --loss dmd --set stage2.alpha=1",
      "stage2.alpha has no effect: it needs method dd2 and stage2.loss sid"
    ),
    ("distill --steps 5 --evaluate-every 0 --ref shapes32", "fid.reference has no effect with fid.every 0"),
    ("presets var-d99", "<name> is 'var-d99'; did you mean"),
    ("presets var-d16 --markdown", "--markdown prints the settings of all presets"),
    ("distill --steps 5 --data x --evaluate-every 5", "--evaluate-every"),
    ("distill --steps 5 --classes text", "give --data DIR"),
    ("teacher train --data shapes32 --classes numbers", "give --data DIR"),
    ("sample --one-step --teacher-steps -o out", "--teacher-steps"),
    ("sample --one-step", "--output"),
    ("sample --one-step -o out --count -1", "--count is -1"),
    ("sample --one-step -o out --class -1", "--class"),
    ("sample --one-step -o out --class disk", "--class"),
    ("sample --teacher-steps -o out --checkpoint x.h5", "--checkpoint"),
    ("teacher sample -o out --top-p 1.5", "--top-p is 1.5"),
    ("teacher sample -o out --greedy --top-k 3", "--greedy"),
    ("teacher train --tokenizer-steps -1", "--tokenizer-steps is -1"),
    ("teacher train --feature-steps 5", "--feature-steps needs --features"),
    ("teacher train --features --family llamagen", "--features takes none of --data, --family"),
    ("teacher train --family gpt", "--family"),
    ("teacher train --features --width 32", "--features takes none of --data"),
    ("teacher train --dry-run --side 48", "fitting: 3, 6, 12, 24, 48"),
    ("teacher train --dry-run --width -32", "--width is -32, not 1 to 16384"),
    ("teacher train --scales 1,x", "--scales"),
    ("teacher train --dry-run --grid 4", "--grid is of a LlamaGen; give --scales"),
    ("teacher train --dry-run --family llamagen --scales 1,2,4", "--scales is of a VAR; give --grid"),
    ("teacher train --dry-run --resume --run x", "leave out --resume"),
    ("teacher train --tokens x", "--tokens needs --tokenizer"),
    ("teacher train --tokenizer x", "--tokenizer needs --tokens"),
    ("teacher train --tokens x --tokenizer y --data z", "leave out --data"),
    ("teacher train --tokens x --tokenizer y --tokenizer-steps 5", "leave out --tokenizer-steps"),
    ("teacher train --tokens x --tokenizer y --codebook 16", "leave out --codebook"),
    ("data render -o out --count 0", "--count is 0"),
    ("data render -o out --count 10001 --split reference", "10000 images"),
    ("data render -o out --count 1 --split test", "--split"),
    ("fid --ref shapes23", "no reference named shapes23; did you mean 'shapes32'? choose one of shapes32, imagenet256"),
    ("fid --ref shapes32 --metrics fod", "no metric 'fod'; choose from fid, sfid, is, kid, pr"),
    ("fid --images out", "--ref"),
    ("fid --ref shapes32 --metrics is", "--metrics is needs no reference; leave out --ref"),
    ("fid --ref x --extractor shapes32 --protocol adm", "--protocol"),
    ("fid --ref x --resize 0", "--resize"),
    ("report run --watch", "--watch writes a page again and again"),
    ("evaluate --generators-only --cfg 3", "--cfg is of rows"),
    ("sample --teacher-steps -o out --cfg 3e38", "--cfg is 3e+38"),
    ("distill --steps 5 --set head.width=1000000000", "give 1 to 65536"),
    ("distill --steps 5 --set noise_levels=1000000000", "give 1 to 1000"),
    ("weights import x.pth y.pth -o x.pth --grid 0", "--grid is 0"),
    ("ref build --images x", "--output"),
    ("nonsense", "nonsense"),
  ])
  func usage(arguments: String, part: String) throws {
    try dd2.expectFailure(arguments.split(separator: " ").map(String.init), status: 64, saying: [part])
  }

  @Test(arguments: [
    "distill --steps 1 --teacher nowhere.h5", "sample --teacher-steps -o out --teacher nowhere.h5",
    "teacher sample -o out --teacher nowhere.h5", "teacher inspect nowhere.h5",
    "sample --one-step -o out --checkpoint nowhere.h5",
  ])
  func missingFile(arguments: String) throws {
    try dd2.expectFailure(
      arguments.split(separator: " ").map(String.init), status: 66, saying: ["nowhere.h5: no such"])
  }

  @Test(arguments: [
    ("distill --steps 1", "shapes32-var-teacher.h5"), ("sample --one-step -o out", "shapes32-var-generator.h5"),
    ("sample --teacher-steps -o out", "shapes32-var-teacher.h5"), ("weights list", "weights-manifest.json"),
  ])
  func missingBundledFile(arguments: String, name: String) throws {
    try dd2.expectFailure(
      arguments.split(separator: " ").map(String.init), status: 66, saying: [name, "DD2_MODELS"])
  }

  @Test func truncatedHDF5() throws {
    var file = Checkpoint(kind: "teacher", config: "{}", createdBy: "test")
    file.parameters = ["weight": HostArray(shape: [5000], [Float](repeating: 1, count: 5000))]
    let path = folder.file("teacher.h5")
    try file.write(to: path)
    let contents = try Data(contentsOf: URL(fileURLWithPath: path))
    try contents.prefix(contents.count / 2).write(to: URL(fileURLWithPath: path))
    for command in [
      ["distill", "--steps", "1", "--teacher", path], ["teacher", "inspect", path],
      ["sample", "--one-step", "-o", "out", "--checkpoint", path],
    ] {
      try dd2.expectFailure(command, status: 65, saying: [path])
    }
  }

  @Test func checkpointOfAnotherKind() throws {
    let path = folder.file("other.h5")
    try Checkpoint(kind: "features", config: "{}", createdBy: "test").write(to: path)
    try dd2.expectFailure(["teacher", "inspect", path], status: 65, saying: [path, "features"])
  }

  @Test func textInsteadOfImage() throws {
    try folder.makeFolder("images")
    try folder.write("text\n", to: "images/a.png")
    try dd2.expectFailure(
      ["fid", "--ref", "shapes32", "--images", "images"], status: 65,
      saying: ["images/a.png", "neither a PNG nor a JPEG file"],
      models: Command.bundledModels)
  }

  @Test func imageFoldersWithoutImages() throws {
    try folder.makeFolder("empty")
    try dd2.expectFailure(
      ["fid", "--ref", "shapes32", "--images", "empty"], status: 66, saying: ["empty: holds no images"],
      models: Command.bundledModels)
    try dd2.expectFailure(
      ["fid", "--ref", "shapes32"], status: 66, saying: ["out: no such folder"], models: Command.bundledModels)
    try dd2.expectFailure(
      ["teacher", "train", "--data", "empty", "--run", "run"], status: 66, saying: ["empty: holds no images"])
    #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
  }

  @Test func imagesOfAnotherSize() throws {
    try folder.makeFolder("images")
    try RGBImage(width: 16, height: 16, gray: 3).write(folder.file("images/a.png"))
    for arguments in [
      ["fid", "--ref", "shapes32", "--images", "images"], ["teacher", "train", "--data", "images", "--crop", "none"],
    ] {
      try dd2.expectFailure(
        arguments, status: 65, saying: ["images: images are 16 x 16"], models: Command.bundledModels)
    }
  }

  @Test func numbersOfThreadsThatAreNone() throws {
    for text in ["abc", "0", "-1", "100000"] {
      let outcome = try dd2(["weights", "list"], environment: ["DD2_THREADS": text])
      #expect(outcome.status == 64 && outcome.log.contains("DD2_THREADS is '\(text)'"), "\(outcome.log)")
    }
  }

  /// What is written must not be what is read.
  @Test func anOutputThatIsTheInput() throws {
    let models = try folder.makeFolder("models")
    for name in ["shapes32-var-teacher.h5", "shapes32-features.h5"] {
      try FileManager.default.copyItem(atPath: "\(Command.bundledModels)/\(name)", toPath: "\(models)/\(name)")
    }
    let (teacher, features) = ("models/shapes32-var-teacher.h5", "models/shapes32-features.h5")
    try folder.makeFolder("images")
    try RGBImage(width: 32, height: 32, gray: 3).write(folder.file("images/a.png"))
    let before = try [teacher, features].map { try folder.contents($0) }
    let build = ["ref", "build", "--images", "images", "--extractor", "shapes32"]
    for (arguments, option, file) in [
      (["teacher", "encode", teacher, "--images", "images"], "-o", teacher),
      (["teacher", "sample", teacher, "--count", "1"], "--tokens-out", teacher),
      (["weights", "import", teacher], "-o", teacher),
      (build + ["--weights", features], "-o", features),
      // The weights that are taken where none are named.
      (build, "-o", features),
    ] as [([String], String, String)] {
      try dd2.expectFailure(
        arguments + [option, file], status: 64,
        saying: ["\(option) \(file): is the file ", "\(file) that is read; choose another name"], models: models)
    }
    #expect(try [teacher, features].map { try folder.contents($0) } == before)
  }

  @Test func placesThatAreMissedAfterTheWork() throws {
    try folder.makeFolder("images")
    try RGBImage(width: 32, height: 32, gray: 3).write(folder.file("images/a.png"))
    try dd2.expectFailure(
      ["ref", "build", "--images", "images", "-o", "nowhere/x.npz", "--extractor", "shapes32"], status: 73,
      saying: ["nowhere/x.npz: cannot be created"], models: Command.bundledModels)
    try dd2.expectFailure(
      ["fid", "--ref", "images", "--images", "images", "--extractor", "shapes32", "--metrics", "kid"], status: 65,
      saying: ["images: KID of 1 image(s)"], models: Command.bundledModels)
    try dd2.expectFailure(
      ["fid", "--ref", "shapes32", "--images", "images/a.png"], status: 64, saying: ["is one image"],
      models: Command.bundledModels)
  }

  @Test func missingReferenceFile() throws {
    try dd2.expectFailure(["fid", "--ref", "statistics.npz"], status: 66, saying: ["statistics.npz: no such file"])
  }

  @Test func placesThatCannotBeWritten() throws {
    try folder.write("", to: "file")
    try dd2.expectFailure(["data", "render", "-o", "file/out", "--count", "2"], status: 73, saying: ["file/out"])
  }

  @Test func runFolders() throws {
    try dd2.expectFailure(
      ["teacher", "train", "--resume", "--run", "none"], status: 66, saying: ["none: no run to resume"])
    try folder.makeFolder("used/perceptual")
    try folder.write("", to: "used/perceptual/events")
    try dd2.expectFailure(["teacher", "train", "--run", "used"], status: 73, saying: ["used: is not empty"])
  }
}
