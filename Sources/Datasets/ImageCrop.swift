import Artifacts

/// How a photograph of any size becomes a square image: as the published teachers saw theirs.
public enum ImageCrop: String, CaseIterable, Codable, Sendable {
  /// The shorter side to 1.125 times the square's by Lanczos, then the centre, as torchvision does on Pillow's images.
  ///
  /// Source: VAR, `utils/data.py`, `val_aug`; its training takes a random place in place of the centre.
  case `var`
  /// Halved while the shorter side is at least twice the square's, then the shorter side to it by the bicubic filter, and
  /// the centre.
  ///
  /// Source: guided-diffusion, `image_datasets.py`, `center_crop_arr`, which LlamaGen's `dataset/augmentation.py` repeats.
  case adm

  /// The middle of an image, `side` x `side`; a smaller image is enlarged.
  public func cropped(_ image: RGBImage, side: Int) -> RGBImage {
    precondition(side > 0, "ImageCrop: side \(side)")
    switch self {
    case .var: return Self.asVAR(image, side)
    case .adm: return Self.asADM(image, side)
    }
  }

  /// Whether an image that has the square's size comes out as another one.
  var changesSquares: Bool { self == .var }

  /// One line that says what becomes of so many images.
  /// - Parameter checks: of all of them; none where their sizes are not known.
  func summary(_ count: Int, _ checks: [ImageFileCheck], side: Int) -> String {
    let ordered = checks.sorted { ($0.width * $0.height, $0.width) < ($1.width * $1.height, $1.width) }
    let ends = [ordered.first, ordered.last].compactMap { $0.map { "\($0.width) x \($0.height)" } }
    let sizes =
      Set(ends).count == 2 ? " of sizes " + ends.joined(separator: " to ") : ends.first.map { " of " + $0 } ?? ""
    let small = checks.count { min($0.width, $0.height) < side }
    return "\(count)\(sizes), cropped to \(side) x \(side) as \(self == .var ? "VAR" : "ADM") does (--crop \(rawValue))"
      + (small > 0 ? "; \(small) of them enlarged" : "")
  }

  private static func asVAR(_ image: RGBImage, _ side: Int) -> RGBImage {
    let short = Int((1.125 * Double(side)).rounded(.toNearestOrEven))
    let long = Int(Double(short * max(image.width, image.height)) / Double(min(image.width, image.height)))
    let (width, height) = image.width <= image.height ? (short, long) : (long, short)
    func start(_ length: Int) -> Int { Int((Double(length - side) / 2).rounded(.toNearestOrEven)) }
    return middle(of: image, .lanczos, width, height, left: start(width), top: start(height), side)
  }

  private static func asADM(_ image: RGBImage, _ side: Int) -> RGBImage {
    var image = image
    while min(image.width, image.height) >= 2 * side {
      let (width, height) = (image.width / 2, image.height / 2)
      image = image.resampled(.box, width: width, height: height, columns: 0..<width, rows: 0..<height)
    }
    let scale = Double(side) / Double(min(image.width, image.height))
    func scaled(_ length: Int) -> Int { Int((Double(length) * scale).rounded(.toNearestOrEven)) }
    let (width, height) = (scaled(image.width), scaled(image.height))
    return middle(of: image, .bicubic, width, height, left: (width - side) / 2, top: (height - side) / 2, side)
  }

  private static func middle(
    of image: RGBImage, _ filter: ResamplingFilter, _ width: Int, _ height: Int, left: Int, top: Int, _ side: Int
  ) -> RGBImage {
    image.resampled(filter, width: width, height: height, columns: left..<left + side, rows: top..<top + side)
  }
}
