import TensorCore

/// A procedural, class-conditional set of 32 x 32 RGB images: a shape of random place, size, rotation and hue on a
/// two-colour gradient of another hue. Ten balanced classes: image i has label i % 10.
///
/// Image i depends on (seed, split, i) alone and is painted when asked for: the set takes no memory and no download.
public struct Shapes32: ImageSource {
  /// Disjoint parts of one seed's images.
  public enum Split: String, CaseIterable, Codable, Sendable {
    /// 40,000 images to train on.
    case train
    /// 10,000 images whose statistics generated images are compared with.
    case reference
    /// 10,000 more: their distance to `reference` is the best that a generator can reach.
    case heldOut

    /// Number of images.
    public var count: Int { self == .train ? 40_000 : 10_000 }

    /// Index of the first image in the seed's sequence, a multiple of the class count.
    fileprivate var start: Int {
      switch self {
      case .train: 0
      case .reference: 40_000
      case .heldOut: 50_000
      }
    }
  }

  /// Rows and columns of every image.
  public static let side = 32
  /// What commands and records call it.
  public static let name = "shapes32"

  /// What the numbers of `attributes(at:)` are; all lie within [-1, 1].
  public static let attributeNames = [
    "hueSine", "hueCosine", "saturation", "brightness", "backgroundRed", "backgroundGreen", "backgroundBlue",
    "redAcross", "greenAcross", "blueAcross", "redDown", "greenDown", "blueDown", "size", "centreX",
    "centreY",
  ]

  /// Seed of the whole set.
  public let seed: UInt64
  /// Which part of it.
  public let split: Split

  /// A part of the set of a seed.
  public init(_ split: Split, seed: UInt64 = 0) {
    self.seed = seed
    self.split = split
  }

  public var count: Int { split.count }
  public var height: Int { Self.side }
  public var width: Int { Self.side }
  public var classNames: [String] { ShapeKind.allCases.map { "\($0)" } }

  public func label(at index: Int) -> Int32 { Int32(index % ShapeKind.allCases.count) }

  public func pixels(at index: Int) -> [UInt8] { scene(at: index).render(side: Self.side) }

  /// How image `index` is drawn, as numbers to regress: one for each of `attributeNames`.
  public func attributes(at index: Int) -> [Float] { scene(at: index).attributes(imageSide: Self.side) }

  /// `attributes(at:)` of several images, (B, `attributeNames.count`).
  public func attributes(_ indices: [Int]) -> Tensor {
    Tensor(indices.flatMap(attributes(at:)), [indices.count, Self.attributeNames.count])
  }

  func scene(at index: Int) -> ShapeScene {
    precondition(index >= 0 && index < count, "Shapes32: image \(index) of \(count)")
    let kind = ShapeKind.allCases[Int(label(at: index))]
    var stream = RandomStream(seed: seed, purpose: "shapes32", index: split.start + index)
    return ShapeScene(kind: kind, imageSide: Self.side, from: &stream)
  }
}
