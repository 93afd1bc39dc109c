import Datasets

/// Shows what a measurement is at.
package protocol MeasurementObserver: AnyObject {
  /// Runs a check of image files, which calls with the files checked and all files.
  func checking<Images>(_ title: String, _ check: ((Int, Int) throws -> Void) throws -> Images) throws -> Images
  /// Files were left out, or an image set is read in another size.
  func checked(_ images: ImageInput)
  /// A piece of work begins, `total` of a unit in the plural.
  func begin(_ title: String, total: Int, unit: String)
  /// So much of the piece is done.
  func advance(_ done: Int)
  /// The piece is over.
  func end()
  /// A line about the work.
  func note(_ text: String)
  /// A line that bears on the result.
  func warn(_ text: String)
  /// Writes a file, which no signal cuts short.
  func writing(_ body: () throws -> Void) throws
}

/// A feature network with what a measurement by it depends on.
package struct FeatureExtractorChoice {
  package let extractor: any FeatureExtractor
  /// The file that its weights come from.
  package let weightsPath: String
  /// Images at a time.
  package let batch: Int
  /// The protocol's name, for the result.
  package let protocolName: String
  /// The size of images that the network takes; nil for any.
  package let requiredSide: Int?

  package init(
    extractor: any FeatureExtractor, weightsPath: String, batch: Int, protocolName: String, requiredSide: Int? = nil
  ) {
    self.extractor = extractor
    self.weightsPath = weightsPath
    self.batch = batch
    self.protocolName = protocolName
    self.requiredSide = requiredSide
  }
}

/// Measures sets of images with one feature network.
package struct ImageMeasurement {
  let choice: FeatureExtractorChoice
  let options: ImageInput.Options
  let observer: any MeasurementObserver

  package init(_ choice: FeatureExtractorChoice, _ options: ImageInput.Options, observer: any MeasurementObserver) {
    self.choice = choice
    self.options = options
    self.observer = observer
  }

  /// Features and facts of a set of images.
  package struct Found {
    package let input: ImageInput
    package let features: ImageSetFeatures
    package let imagesPerSecond: Double

    /// Images left out.
    package var skipped: Int { input.bad.count + features.bad.count }
  }

  /// Lists and checks images.
  /// - Parameter title: of the progress.
  /// - Throws: `FIDError.wrongSize`, and what `ImageInput` throws.
  package func load(_ path: String, title: String) throws -> ImageInput {
    let images = try observer.checking(title) { try ImageInput(path, options, progress: $0) }
    observer.checked(images)
    if let side = choice.requiredSide, images.size.width != side || images.size.height != side {
      throw FIDError.wrongSize(path: path, size: images.size, extractor: choice.extractor.name, side: side)
    }
    return images
  }

  /// Decodes and measures images. Throws as `FeaturePass`.
  /// - Parameter title: of the progress.
  package func measure(_ images: ImageInput, for metrics: [Metric], title: String) throws -> Found {
    observer.begin(title, total: images.count, unit: "images")
    defer { observer.end() }
    let start = ContinuousClock.now
    let features = try FeaturePass(choice.extractor, for: metrics, batch: choice.batch).measure(images) { done in
      observer.advance(done)
    }
    for error in features.bad { observer.warn(error.description) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    return Found(input: images, features: features, imagesPerSecond: Double(features.count) / seconds)
  }
}
