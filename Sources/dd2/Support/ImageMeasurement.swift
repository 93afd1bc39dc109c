import Artifacts
import Datasets
import FIDEval
import Foundation

/// Measures sets of images with one feature network, with progress.
struct ImageMeasurement {
  let choice: FeatureExtractorChoice
  let input: ImageInputOptions

  /// Features and facts of a set of images.
  struct Found {
    let input: ImageInput
    let features: ImageSetFeatures
    let imagesPerSecond: Double

    /// Images left out.
    var skipped: Int { input.bad.count + features.bad.count }
  }

  /// Lists and checks images.
  /// - Parameter title: of the progress bar.
  func load(_ path: String, title: String) throws -> ImageInput {
    let images = try input.load(path, title: title)
    if let side = choice.requiredSide, images.size.width != side || images.size.height != side {
      throw CommandFailure(
        .badData,
        "\(path): images are \(images.size) pixels where the features of \(choice.extractor.name) are of "
          + "\(side) x \(side); score images of that size, or give --resize \(side)")
    }
    return images
  }

  /// Decodes and measures images.
  /// - Parameter title: of the progress bar.
  func callAsFunction(_ images: ImageInput, for metrics: [Metric], title: String) throws -> Found {
    let meter = ProgressMeter(title, total: images.count, unit: "images")
    defer { meter.close() }
    let clock = ContinuousClock()
    let start = clock.now
    let features = try FeaturePass(choice.extractor, for: metrics, batch: choice.batch)(images) { done in
      meter.update(done)
    }
    for error in features.bad { meter.warn(error.description) }
    let seconds = start.duration(to: clock.now) / .seconds(1)
    return Found(input: images, features: features, imagesPerSecond: Double(features.count) / seconds)
  }
}
