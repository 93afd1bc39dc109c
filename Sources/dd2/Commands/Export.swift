import ArgumentParser
import Artifacts
import Sampling
import TeacherModels

extension WeightsFormat: ExpressibleByArgument {}

/// `dd2 export`: a generator for use in PyTorch.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a one-step generator for use in PyTorch.",
    discussion: """
      Example: dd2 export runs/my-run/generator.h5 -o my-generator

      The folder gets config.json, the weights under the names of VAR's and LlamaGen's state dictionaries \
      (generator.safetensors and tokenizer.safetensors, or .pt), and generator.py, which needs PyTorch alone and draws the \
      images that dd2 sample draws: python my-generator/generator.py --class 3 --seed 0 -o out.png. \
      An earlier export in the folder is replaced.
      """)

  @Argument(help: ArgumentHelp("The generator file.", valueName: "generator"))
  var generator: String

  @Option(help: "The format of the weights: safetensors or pytorch.")
  var format = WeightsFormat.safetensors

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Its teacher, a file or a bundled one (default: by its hash, that of the generator's run or a bundled one).",
      valueName: "name|file"), completion: .file())
  var teacher: String?

  func run() throws {
    let teacher = try TeacherFile.read(try TeacherOptions.path(ofTeacherOf: generator, given: teacher))
    let export = GeneratorExport(
      try GeneratorFile.read(generator, teacher: teacher), hash: try WeightsManifest.sha256(ofFile: generator),
      teacher: teacher)
    let interrupts = Interrupts()
    var meter: ProgressMeter?
    defer { meter?.close() }
    try export.write(to: output, format: format) { done, total in
      let current = meter ?? ProgressMeter("exporting", total: total, unit: "weights")
      meter = current
      current.update(done)
      try interrupts.check("\(done) of \(total) weights")
    }
    meter?.close()
    meter = nil
    try Console.result(output)
  }
}
