import ArgumentParser
import Artifacts
import Datasets
import FIDEval
import Foundation

/// Commands about references of `dd2 fid`.
struct RefCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ref", abstract: "References that images are measured against.", subcommands: [RefBuild.self])
}

/// `dd2 ref build`: the statistics of a set of images as a file.
struct RefBuild: ComputingCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Write the feature statistics of images, as a reference for dd2 fid.",
    discussion: """
      Example: dd2 ref build --images my-images/ -o my-reference.h5

      A name that ends in .npz gives NumPy's format, with mu, sigma and, where the network has spatial features, mu_s \
      and sigma_s: pytorch-fid and ADM's evaluator read it. It does not say which features it holds. One that ends in \
      .h5 gives HDF5, which records network, weights, protocol and number of images: dd2 fid then refuses to compare it \
      with others.
      """)

  @Option(
    help: ArgumentHelp("A folder of PNG or JPEG images, or an .npz of images.", valueName: "dir|file"),
    completion: .file())
  var images: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The file to write, .h5 or .npz.", valueName: "file"), completion: .file())
  var output: String

  @OptionGroup(title: "Feature network") var extractor: ExtractorOptions
  @OptionGroup var computing: DeviceOptions
  @OptionGroup(title: "Images") var input: ImageInputOptions

  func run() throws {
    guard output.lowercased().hasSuffix(".npz") || output.lowercased().hasSuffix(".h5") else {
      throw CommandFailure(.usage, "-o \(output): the name must end in .h5 or .npz")
    }
    let choice = try FeatureExtractorChoice.load(extractor, for: FIDReference.Preference())
    try Outputs.check(output, option: "-o", as: .statistics, inputs: [images, choice.weightsPath])
    let measurement = ImageMeasurement(choice, input.options, observer: MeasurementProgress())
    let metrics: [Metric] = choice.extractor.available.contains(.spatial) ? [.fid, .sfid] : [.fid]
    let found = try measurement.measure(
      try measurement.load(images, title: "features"), for: metrics, title: "features")
    guard let pooled = found.features.pooled else { preconditionFailure("ref build: no statistics") }
    let warnings = [
      FIDReport.rankWarning(found.features.count, in: images, dimension: pooled.dimension),
      FIDReport.jpegWarning(found.input.jpegCount, of: found.input.count, in: images),
    ]
    for text in warnings.compactMap(\.self) { Log.warning(text) }
    let statistics = ReferenceStatistics(pooled: pooled, spatial: found.features.spatial)
    try Interrupts.deferringSignals { try statistics.write(output) }
    let left = found.skipped > 0 ? ", \(found.skipped) left out" : ""
    try Console.result(
      "\(output): statistics of \(found.features.count) images in \(images)\(left) (features: "
        + "\(choice.extractor.name), weights \(choice.extractor.weightsHash.prefix(12)), protocol \(choice.protocolName))"
    )
  }
}
