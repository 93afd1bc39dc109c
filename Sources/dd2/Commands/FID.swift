import ArgumentParser
import Artifacts
import Datasets
import FIDEval
import Foundation
import Training

/// `dd2 fid`: how far images are from a reference.
struct FID: SpreadCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure images against a reference: FID, sFID, Inception Score, KID, precision and recall.",
    discussion: """
      Example: dd2 fid --ref shapes32 --images out/

      Images are the PNG and JPEG files of a folder and its subfolders, or the array arr_0 of an .npz; a statistics file stands \
      for images in FID and sFID. The reference is shapes32, imagenet256, a statistics file (.h5 of dd2, .npz of \
      others) or images. Features are Inception-V3's under the protocol named in the result; the reference shapes32 \
      is of a small network trained on shapes32, whose numbers are not comparable with Inception FID.
      """)

  @Option(
    name: .customLong("ref"),
    help: ArgumentHelp(
      "shapes32, imagenet256, a statistics file, an .npz of images or a folder of images.", valueName: "name|file|dir"),
    completion: .file())
  var reference: String?

  @Option(
    help: ArgumentHelp("A folder of images, an .npz of images, or a statistics file.", valueName: "dir|file"),
    completion: .file())
  var images = "out"

  @Option(
    help: ArgumentHelp("What to measure: fid, sfid, is, kid, pr, joined by commas (default: fid).", valueName: "list"),
    transform: FID.parse)
  var metrics = [Metric.fid]

  @OptionGroup(title: "Feature network") var extractor: ExtractorOptions
  @OptionGroup var computing: DeviceOptions
  @OptionGroup(title: "Images") var input: ImageInputOptions

  @Option(parsing: .unconditional, help: "Seed of KID's subsets and of the Inception Score's shuffle.")
  var seed: UInt32 = 2020

  @Flag(help: "Measure a reference folder anew, and do not keep its statistics.")
  var noCache = false

  @Flag(help: "Print JSON.")
  var json = false

  private static func parse(_ list: String) throws -> [Metric] {
    let names = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let metrics = try names.map { name in
      guard let metric = Metric(rawValue: name) else {
        let known = Metric.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("there is no metric '\(name)'; choose from \(known)")
      }
      return metric
    }
    return Metric.allCases.filter(metrics.contains)
  }

  func validate() throws {
    let needsReference = !metrics.allSatisfy { $0.reference == .none }
    if reference == nil, needsReference { throw ValidationError("Missing expected argument '--ref <name|file|dir>'") }
    if reference != nil, !needsReference {
      let names = metrics.map(\.rawValue).joined(separator: ",")
      throw ValidationError("--metrics \(names) needs no reference; leave out --ref")
    }
  }

  func run() throws {
    let target = try reference.map { try FIDReference($0) }
    try target?.check(metrics)
    let choice = try FeatureExtractorChoice.load(extractor, for: target?.preference ?? FIDReference.Preference())
    let scoring = try FIDScoring(
      ImageMeasurement(choice, input.options, observer: MeasurementProgress()), metrics: metrics, seed: seed,
      usesCache: !noCache)
    let (network, report) = (choice.extractor, try scoring.score(images: images, reference: target))
    let output = FIDOutput(
      report,
      FIDOutput.Setting(
        reference: reference, images: images, extractor: network.name, dimension: network.dimension,
        protocol: choice.protocolName, preprocessing: network.preprocessing, weightsSha256: network.weightsHash,
        comparableWithInception: network.isComparableWithInception, alpha: input.alpha.rawValue,
        resize: input.resize?.description, crop: input.crop?.rawValue, batch: choice.batch, seed: seed))
    try json ? Console.result(json: output) : Console.result(output.text)
  }
}
