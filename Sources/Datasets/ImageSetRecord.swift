import Artifacts

/// What a run records of its images, so that it goes on with the same ones.
public struct ImageSetRecord: Codable, Equatable, Sendable {
  /// Which classes they are of.
  public let classes: ClassMapping
  /// Number of images.
  public let count: Int
  /// Hash of their names.
  public let names: String
  /// Hash of their contents, in the order of the names.
  public let contents: String
  /// How they are cropped; nil where they are taken as they are.
  public let crop: ImageCrop?
  /// Hash of sizes, times and inodes: where it is as it was, no file need be read. Nil in files that outlive the run,
  /// which equal images give equal bytes.
  public var state: String?

  init(classes: ClassMapping, _ layout: ImageLayout, _ checks: [ImageFileCheck], crop: ImageCrop?) {
    let files = layout.files
    self.classes = classes
    self.crop = crop
    count = files.count
    names = Self.names(of: files)
    contents = Fingerprint.of(zip(files, checks).map { "\($0.bytes) \($1.checksum)" })
    state = Self.state(of: files)
  }

  /// Whether the files are untouched since.
  func describes(_ files: [ImageListing.File]) -> Bool { state == Self.state(of: files) }

  /// What other images are than these, in words; nil where they are the same.
  func difference(from later: ImageSetRecord) -> String? {
    if later.count != count { return "has \(later.count) images where the run began with \(count)" }
    if later.names != names { return "has images of other names than the run began with" }
    return later.contents == contents ? nil : "holds other images than the run began with, under the same names"
  }

  private static func names(of files: [ImageListing.File]) -> String { Fingerprint.of(files.map(\.name)) }

  private static func state(of files: [ImageListing.File]) -> String { Fingerprint.of(files.map(\.line)) }
}
