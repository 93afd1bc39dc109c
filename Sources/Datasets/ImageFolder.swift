import Artifacts

/// A folder of PNG and JPEG images with their classes, checked before any work, and read and cropped when asked for.
public struct ImageFolder: ImageSource {
  /// Name of the overview that `dd2 sample --grid` writes beside its images; not one of them.
  public static let overviewName = "grid.png"

  public let classNames: [String]
  public let height: Int
  public let width: Int
  /// What a run records of the images.
  public let record: ImageSetRecord
  /// Whether the files are others than a run began with, though their names and contents are the same.
  public let hasMoved: Bool
  /// One line that says which class is which.
  public let classSummary: String
  /// One line that says how the images are cropped; nil where they are taken as they are.
  public let cropSummary: String?
  private let cropped: CroppedImages?
  private let files: [String]
  private let labels: [Int32]

  /// Lists the images, decides on their classes, and checks every file, unless all are as `recorded` says.
  /// - Parameters:
  ///   - classes: which folder is which class; nil where that is clear.
  ///   - known: what is known of the classes.
  ///   - fit: how they become a model's images.
  ///   - recorded: what the run to go on with recorded: its images, their classes and crop must be the same.
  ///   - progress: called with the files checked and all files.
  /// - Throws: `DatasetError.missingFolder`, `.noImages`, `.mixedLayout`, `.nestedClass`, `.unclearClasses`,
  ///   `.wrongClasses`, `.unreadable` for images of other formats, `.badImages`, `.mixedSizes` unless they are
  ///   cropped, `.changedImages`, `.changedCrop`, and what `progress` throws.
  public init(
    _ path: String, classes rule: ClassRule? = nil, known: KnownClasses = KnownClasses(),
    fit: ImageFit = .asTheyAre, recorded: ImageSetRecord? = nil, progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws {
    let layout = try ImageLayout(path)
    let classes = try layout.classes(rule, known: known, recorded: recorded?.classes)
    let files = layout.files.map { "\(path)/\($0.name)" }
    let isUntouched = recorded?.describes(layout.files) ?? false
    let checks = try Self.check(isUntouched ? Array(files.prefix(1)) : files, in: path, progress)
    let crop =
      if let recorded { try fit.crop(resuming: recorded.crop, in: path) } else { fit.crop(checks) }
    if crop == nil { try Self.requireOneSize(checks, files) }
    hasMoved = recorded != nil && !isUntouched
    let found = ImageSetRecord(classes: classes.mapping, layout, checks, crop: crop)
    if let recorded, hasMoved, let detail = recorded.difference(from: found) {
      throw DatasetError.changedImages(path: path, detail: detail)
    }
    record = recorded ?? found
    if let crop, let side = fit.side {
      (height, width) = (side, side)
      cropped = CroppedImages(crop, side: side)
      cropSummary = crop.summary(files.count, isUntouched ? [] : checks, side: side)
    } else {
      (height, width) = (checks[0].height, checks[0].width)
      (cropped, cropSummary) = (nil, nil)
    }
    self.files = files
    (labels, classSummary) = (classes.labels, classes.summary)
    classNames = Self.names(classes)
  }

  public var count: Int { files.count }

  public func label(at index: Int) -> Int32 { labels[index] }

  /// Throws `DatasetError.unreadable`, or `.mixedSizes` for an image that was replaced by one of another size.
  public func pixels(at index: Int) throws -> [UInt8] {
    let image: RGBImage
    do {
      if let cropped { return try cropped.pixels(index, at: files[index]) }
      image = try RGBImage.read(files[index])
    } catch let error as ArtifactError {
      throw DatasetError.unreadable(error)
    }
    guard image.height == height, image.width == width else {
      throw DatasetError.mixedSizes(
        path: files[index], expected: [height, width], found: [image.height, image.width])
    }
    return image.pixels
  }

  /// What the files say of themselves: all of them sound.
  private static func check(
    _ files: [String], in path: String, _ progress: (Int, Int) throws -> Void
  ) throws -> [ImageFileCheck] {
    var checks: [ImageFileCheck] = []
    var bad: [ArtifactError] = []
    for result in try ImageCheck.results(files, alpha: .refuse, progress: progress) {
      switch result {
      case .success(let check): checks.append(check)
      case .failure(let error): bad.append(error)
      }
    }
    guard bad.isEmpty else { throw DatasetError.badImages(path: path, bad, count: files.count) }
    return checks
  }

  private static func requireOneSize(_ checks: [ImageFileCheck], _ files: [String]) throws {
    if let other = checks.firstIndex(where: { ($0.width, $0.height) != (checks[0].width, checks[0].height) }) {
      throw DatasetError.mixedSizes(
        path: files[other], expected: [checks[0].height, checks[0].width],
        found: [checks[other].height, checks[other].width])
    }
  }

  private static func names(_ classes: ClassResolution) -> [String] {
    var names = (0..<classes.count).map { "class\($0)" }
    if case .folders(let numbers) = classes.mapping { for (name, number) in numbers { names[number] = name } }
    return names
  }
}
