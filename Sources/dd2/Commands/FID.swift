import ArgumentParser
import Artifacts
import Datasets
import Distillation
import FIDEval
import Foundation

/// `dd2 fid`: how far a folder of images is from a reference.
struct FID: ParsableCommand {
  /// What can be measured.
  enum Metric: String, CaseIterable, ExpressibleByArgument {
    case fid
  }

  static let configuration = CommandConfiguration(
    abstract: "Measure the Frechet distance of a folder of images to a reference.",
    discussion: """
      The reference shapes32 compares features of a small network trained on shapes32: its numbers order models of \
      that data and are not comparable with Inception FID. A statistics file or a folder of images can be a \
      reference too, in the same features.
      """)

  @Option(
    name: .customLong("ref"),
    help: ArgumentHelp(
      "shapes32, imagenet256, a statistics file or a folder of images.", valueName: "name|file|dir"))
  var reference: String

  @Option(help: ArgumentHelp("The folder of PNG images to score; grid.png is left out.", valueName: "dir"))
  var images = "out"

  @Option(help: "What to measure.")
  var metrics = Metric.fid

  @Flag(help: "Print JSON.")
  var json = false

  private static let shapes = "shapes32"
  private static let imageNet = "imagenet256"

  /// Where pytorch-fid and ADM publish what `imagenet256` needs.
  private static let inceptionSource =
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
  private static let imageNetSource =
    "https://openaipublic.blob.core.windows.net/diffusion/jul-2021/ref_batches/imagenet/256/"
    + "VIRTUAL_imagenet256_labeled.npz"

  private struct Measurement: Encodable {
    let fid: Double
    let reference: String
    /// Images behind the reference's statistics, where known.
    let referenceCount: Int?
    let images: String
    let count: Int
    let extractor: String
    let weightsSha256: String
    let comparableWithInception: Bool
  }

  func run() throws {
    try checkReference()
    let folder = try imageFolder(images)
    let extractor = try FeatureNetFile.read(try BundledModels.path(of: .features))
    let interrupts = Interrupts()
    let reference = try referenceStatistics(extractor, interrupts)
    let statistics = try Self.statistics(of: folder, extractor, title: "features", interrupts)
    switch metrics {
    case .fid:
      let distance = try frechetDistance(statistics, reference)
      try show(
        Measurement(
          fid: distance, reference: self.reference, referenceCount: reference.count, images: images,
          count: folder.count, extractor: extractor.name, weightsSha256: extractor.weightsHash,
          comparableWithInception: extractor.isComparableWithInception))
    }
  }

  /// Says early, before any work, where there is no such reference.
  private func checkReference() throws {
    if reference == Self.imageNet {
      throw CommandFailure(
        .unavailable,
        "reference \(Self.imageNet): Inception weights (\(Self.inceptionSource)) and statistics "
          + "(\(Self.imageNetSource)) are not fetched yet and this version does not read them; "
          + "use --ref \(Self.shapes) or a folder")
    }
    guard reference != Self.shapes, !FileManager.default.fileExists(atPath: reference) else { return }
    if reference.contains("/") || reference.contains(".") { throw ArtifactError.missingFile(path: reference) }
    throw FIDError.unknownReference(reference, known: [Self.shapes, Self.imageNet])
  }

  private func referenceStatistics(
    _ extractor: some FeatureExtractor, _ interrupts: Interrupts
  ) throws -> FeatureStatistics {
    if reference == Self.shapes {
      return try FeatureStatistics.read(try BundledModels.path(of: .referenceStatistics))
    }
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: reference, isDirectory: &isFolder)
    guard isFolder.boolValue else { return try FeatureStatistics.read(reference) }
    return try Self.statistics(of: try imageFolder(reference), extractor, title: "reference", interrupts)
  }

  /// A folder of images of the size that the feature network was trained on.
  private func imageFolder(_ path: String) throws -> ImageFolder {
    let folder = try ImageFolder(path)
    guard folder.width == Shapes32.side, folder.height == Shapes32.side else {
      throw CommandFailure(
        .badData,
        "\(path): images are \(folder.width) x \(folder.height) pixels where the features are of "
          + "\(Shapes32.side) x \(Shapes32.side); score images of that size")
    }
    return folder
  }

  private static func statistics(
    of folder: ImageFolder, _ extractor: some FeatureExtractor, title: String, _ interrupts: Interrupts
  ) throws -> FeatureStatistics {
    let meter = ProgressMeter(title, total: folder.count, unit: "images")
    defer { meter.close() }
    return try FIDScorer.statistics(of: folder, extractor: extractor) { done in
      meter.update(done)
      try interrupts.check("\(done) of \(folder.count) images")
    }
  }

  private func show(_ value: Measurement) throws {
    guard !json else { return try Console.result(json: value) }
    let caution = value.comparableWithInception ? "" : "; not comparable with Inception FID"
    try Console.result(
      String(format: "FID %.4f", value.fid)
        + " of \(value.count) images in \(value.images) to \(value.reference) "
        + "(features: \(value.extractor), weights \(value.weightsSha256.prefix(12))\(caution))")
  }
}
