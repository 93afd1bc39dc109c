import Artifacts

/// What can go wrong with a set of images: `description` is one line that says what, where, and what to do.
public enum DatasetError: Error, Equatable, Sendable {
  /// There is no folder at `path`.
  case missingFolder(path: String)
  /// The folder holds no image file.
  case noImages(path: String)
  /// A folder holds images and, beside them, subfolders of images.
  case mixedLayout(path: String, folder: String)
  /// A class's folder has a subfolder of images.
  case nestedClass(path: String)
  /// It is not clear which images are of which class.
  case unclearClasses(path: String, detail: String)
  /// What was said of the classes does not go with the images; `detail` says what to do.
  case wrongClasses(path: String, detail: String)
  /// The images are not those that a run began with.
  case changedImages(path: String, detail: String)
  /// A run that began with images cropped in one way, or as they are (nil), is to go on with them in another.
  case changedCrop(path: String, began: ImageCrop?)
  /// An image file cannot be used.
  case unreadable(ArtifactError)
  /// An image has another size than the first one of its folder (`[height, width]`).
  case mixedSizes(path: String, expected: [Int], found: [Int])
  /// Images of a folder of `count` that cannot be used.
  case badImages(path: String, [ArtifactError], count: Int)
  /// A class number that the set does not have.
  case unknownClass(Int, classCount: Int)

  /// The exit status of a command that ends with this error, after sysexits(3).
  public var exitCode: Int32 {
    switch self {
    case .missingFolder, .noImages: 66
    case .unreadable(let error): error.exitCode
    case .mixedSizes, .mixedLayout, .nestedClass, .badImages, .unclearClasses, .wrongClasses, .changedImages,
      .changedCrop:
      65
    case .unknownClass: 64
    }
  }
}

extension DatasetError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .missingFolder(let path):
      "\(path): no such folder; check the path"
    case .noImages(let path):
      "\(path): holds no images; give a folder of PNG or JPEG files, or of one folder per class"
    case .mixedLayout(let path, let folder):
      "\(path): is one of images beside folders of images (\(folder)); move the images into folders, one per class, or away"
    case .nestedClass(let path):
      "\(path): holds images below a class's folder; move them into that folder, or make theirs a class beside it"
    case .unclearClasses(let path, let detail):
      "\(path): \(detail); make a folder per class, and say which is which with --classes text (in the order of their "
        + "names), numbers (folder 7 is class 7) or FILE (a line for each, name and number)"
    case .wrongClasses(let path, let detail):
      "\(path): \(detail)"
    case .changedImages(let path, let detail):
      "\(path): \(detail); give the images of then with --data, or start a new run"
    case .changedCrop(let path, let began):
      "\(path): the run began with --crop \(began?.rawValue ?? "none"); leave out --crop, or start a new run"
    case .unreadable(let error):
      error.description
    case .mixedSizes(let path, let expected, let found):
      "\(path): is \(found[1]) x \(found[0]) pixels where the folder's first image is "
        + "\(expected[1]) x \(expected[0]); bring all images to one size (dd2 fid: --resize; to learn from: --crop)"
    case .badImages(let path, let errors, let count):
      (errors.count == 1 ? "" : "\(path): \(errors.count) of \(count) images cannot be used, the first: ")
        + (errors.first?.description ?? "")
        + (errors.count == count ? "" : ", or leave \(errors.count == 1 ? "it" : "them") out (dd2 fid: --skip-bad)")
    case .unknownClass(let label, let classCount):
      "class \(label) does not exist; choose one of 0 to \(classCount - 1)"
    }
  }
}
