import Artifacts

/// How the images of a folder become a model's.
public enum ImageFit: Equatable, Sendable {
  /// They are of one size, whatever that is, and are taken as they are.
  case asTheyAre
  /// Each is cropped to `side` x `side`.
  case cropped(ImageCrop, side: Int)
  /// They are taken as they are where all are `side` x `side`, else each is cropped.
  case croppedUnlessFitting(ImageCrop, side: Int)

  /// What is done to each of these images; nil where they are taken as they are.
  func crop(_ checks: [ImageFileCheck]) -> ImageCrop? {
    switch self {
    case .asTheyAre: nil
    case .cropped(let crop, _): crop
    case .croppedUnlessFitting(let crop, let side):
      checks.allSatisfy { $0.width == side && $0.height == side } ? nil : crop
    }
  }

  /// What is done to the images of a run that is resumed.
  /// - Throws: `DatasetError.changedCrop` where another thing is asked for than the run began with.
  func crop(resuming began: ImageCrop?, in path: String) throws -> ImageCrop? {
    let isSame =
      switch self {
      case .asTheyAre: began == nil
      case .cropped(let crop, _): began == crop
      case .croppedUnlessFitting: true
      }
    guard isSame else { throw DatasetError.changedCrop(path: path, began: began) }
    return began
  }

  /// The side of cropped images.
  var side: Int? {
    switch self {
    case .asTheyAre: nil
    case .cropped(_, let side), .croppedUnlessFitting(_, let side): side
    }
  }
}

/// What can be asked for of the images of a folder.
public enum CropChoice: String, CaseIterable, Sendable {
  case `var`
  case adm
  /// They must have the model's size.
  case off = "none"

  /// What becomes of images for a model of `side` x `side` pixels.
  /// - Parameters:
  ///   - choice: nil where nothing is asked for: images of another size are cropped in the usual way.
  ///   - usual: how the teacher's family does it.
  public static func fit(_ choice: CropChoice?, usual: ImageCrop, side: Int) -> ImageFit {
    switch choice {
    case nil: .croppedUnlessFitting(usual, side: side)
    case .off?: .asTheyAre
    case .var?: .cropped(.var, side: side)
    case .adm?: .cropped(.adm, side: side)
    }
  }
}
