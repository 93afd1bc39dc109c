import ArgumentParser
import Artifacts
import FIDEval
import TeacherModels
import Training

/// `dd2 weights import`: one file of dd2's own from the files of others, a teacher or Inception-V3.
struct WeightsImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a file of dd2's own of the weights of VAR, LlamaGen, DD1 or Inception-V3.",
    discussion: """
      Example: dd2 weights import var_d16.pth vae_ch160v4096z32.pth -o var-d16.h5

      Takes the transformer's and the tokenizer's file in any order, or one file that holds both: PyTorch's .pth and \
      .pt, old and new, and safetensors. Family and sizes follow from names and shapes; each is checked. Nothing in \
      the files is executed. A generator of DD1 (microsoft/distilled_decoding) with its tokenizer becomes a file for \
      dd2 sample --checkpoint. Inception-V3, as pytorch-fid publishes it for FID, is one file and becomes a feature \
      network. Prints the path of the file.
      """)

  @Argument(help: ArgumentHelp("Files of weights.", valueName: "file"), completion: .file())
  var files: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  var output: String

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("VAR: tokens per side of each scale, where the file does not say.", valueName: "1,2,3"))
  var patchNums: IntegerList?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "LlamaGen: tokens per side (default: as its tables tell, else 16 for published sizes, 24 if the file's name has the word 384)."
    ))
  var grid: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "LlamaGen: attention heads (default: as its tables tell, as published, else 64 channels a head)."))
  var heads: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "DD1: the stage (VAR's scale, LlamaGen's token) from which tokens are no codes (default: as published).",
      valueName: "stage"))
  var split: Int?

  @Option(
    help: ArgumentHelp("The dictionary that is meant, where a file holds several: model, ema, ...", valueName: "keys"))
  var at: [String] = []

  func validate() throws {
    try Requirement.positive(grid, "--grid")
    try Requirement.positive(heads, "--heads")
    try Requirement.atLeast(0, split, "--split")
    if let patchNums, patchNums.values.isEmpty || !patchNums.values.allSatisfy({ (1...1024).contains($0) }) {
      throw ValidationError("--patch-nums needs numbers from 1 to 1024, such as 1,2,3")
    }
  }

  func run() throws {
    try Outputs.checkPlace(output, option: "-o", inputs: files)
    if files.count == 1, let file = files.first {
      let weights = try WeightsFile.open(file)
      if InceptionFile.recognizes(weights) { return try importInception(weights) }
    }
    try importTeacher()
  }

  private func importInception(_ weights: WeightsFile) throws {
    guard patchNums == nil, grid == nil, heads == nil, split == nil, at.isEmpty else {
      throw CommandFailure(
        .usage,
        "\(files[0]): is Inception-V3, for which --patch-nums, --grid, --heads, --split and --at have no effect; leave them out"
      )
    }
    try Outputs.check(output, option: "-o", as: .features, inputs: files)
    let hash = try Interrupts.deferringSignals {
      try InceptionFile.convert(
        weights, to: output, createdBy: DD2Version.description, metadata: ["command": commandLine])
    }
    let isPublished = hash == InceptionFile.publishedHash
    Log.info("Inception-V3 for FID, sha256 \(hash), \(isPublished ? "as published" : "not the published weights")")
    try Console.result(output)
  }

  private func importTeacher() throws {
    let found = try TeacherImport(
      files: files,
      options: TeacherImportOptions(
        patchSides: patchNums?.values, side: grid, heads: heads, split: split, locations: at))
    Log.info("\(found.dd1 == nil ? "transformer" : "generator of DD1"): \(found.places.transformer)")
    Log.info("tokenizer: \(found.places.tokenizer)")
    Log.info("sizes: \(Self.text(found.configuration))")
    if !found.assumed.isEmpty { Log.info("assumed, as no weight shows it: \(found.assumed.joined(separator: "; "))") }
    if !found.ignored.isEmpty { Log.info("left out, as no weights: \(Self.text(found.ignored))") }
    try Outputs.check(output, option: "-o", as: found.dd1 == nil ? .teacher : .dd1Generator, inputs: files)
    let interrupts = Interrupts()
    var meter: ProgressMeter?
    defer { meter?.close() }
    try found.write(to: output, metadata: ["command": commandLine]) { done, total in
      let current = meter ?? ProgressMeter("importing", total: total, unit: "weights")
      meter = current
      current.update(done)
      try interrupts.check("\(done) of \(total) weights")
    }
    meter?.close()
    meter = nil
    try Console.result(output)
  }

  /// Names, those that differ in numbers once.
  private static func text(_ names: [String]) -> String {
    let alike = Dictionary(grouping: names) { name in
      name.split(separator: ".").map { $0.allSatisfy(\.isNumber) ? "N" : $0 }.joined(separator: ".")
    }
    return alike.sorted { $0.key < $1.key }
      .map { $0.value.count == 1 ? $0.value[0] : "\($0.key) (\($0.value.count))" }.joined(separator: ", ")
  }

  private static func text(_ configuration: TeacherConfiguration) -> String {
    switch configuration {
    case .nextScale(let sizes, _):
      "VAR, depth \(sizes.depth), width \(sizes.width), \(sizes.heads) heads, \(sizes.classCount) classes, scales "
        + sizes.patchSides.map(String.init).joined(separator: ",")
    case .nextToken(let sizes, _):
      "LlamaGen, \(sizes.depth) layers, width \(sizes.width), \(sizes.heads) heads, \(sizes.classCount) classes, "
        + "\(sizes.side) x \(sizes.side) tokens"
    }
  }
}
