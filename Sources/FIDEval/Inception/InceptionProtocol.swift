import TensorCore

/// What is done to images before Inception-V3, by name. Distances are comparable only within one of them.
public enum InceptionProtocol: String, CaseIterable, Sendable {
  /// As guided-diffusion's `evaluator.py` and torch-fidelity's `feature_extractor_inceptionv3.py`: TensorFlow 1's
  /// bilinear resize, pixel i at i in/out without an offset of half a pixel.
  case adm
  /// As pytorch-fid's `inception.py`: `F.interpolate`, bilinear, `align_corners=False`, no antialiasing.
  case pytorchFID = "pytorch-fid"
  /// As clean-fid's mode `clean` (`resize.py`, `inception_torchscript.py`): Pillow's antialiased bicubic resize of each
  /// channel in Float, clipped to 0...255.
  case clean

  /// All of it in a line.
  public var summary: String {
    let resize: String =
      switch self {
      case .adm: "TensorFlow 1 bilinear resize to 299x299 (no half-pixel offset) of bytes, then (x - 128) / 128"
      case .pytorchFID:
        "bilinear resize to 299x299 (half-pixel centres, no antialiasing) of bytes / 255, then 2 x - 1"
      case .clean:
        "Pillow's antialiased bicubic resize to 299x299 of bytes in Float, clipped to 0...255, then (x - 128) / 128"
      }
    return "\(rawValue): \(resize)"
  }

  /// Images (B, h, w, 3) in [-1, 1] that were bytes, as (B, 299, 299, 3) for the network.
  func prepare(_ images_Bhw3: Tensor) -> Tensor {
    let (_, h, w, channels) = images_Bhw3.dims4
    precondition(channels == 3 && h > 0 && w > 0, "InceptionProtocol: expected (B, h, w, 3), got \(images_Bhw3.shape)")
    let bytes = imageBytes(images_Bhw3, divisor: self == .pytorchFID ? 255 : 1)
    let resized = resampled(
      bytes, rows: taps(h, InceptionNetwork.side), columns: taps(w, InceptionNetwork.side))
    switch self {
    case .adm: return resized.affine(scale: 1 / 128, offset: -1)
    case .pytorchFID: return resized.affine(scale: 2, offset: -1)
    case .clean: return resized.clamp(0, 255).affine(scale: 1 / 128, offset: -1)
    }
  }

  /// The map of one axis from `input` to `output` pixels.
  func taps(_ input: Int, _ output: Int) -> AxisTaps {
    // In Float, as the references compute positions.
    let scale = Float(input) / Float(output)
    func neighbours(_ position: Float) -> [(index: Int, weight: Float)] {
      let first = min(Int(position), input - 1)
      let fraction = position - Float(first)
      return [(first, 1 - fraction), (min(first + 1, input - 1), fraction)]
    }
    return AxisTaps(
      input: input,
      taps: (0..<output).map { out in
        switch self {
        case .adm: neighbours(Float(out) * scale)
        case .pytorchFID: neighbours(max(scale * (Float(out) + 0.5) - 0.5, 0))
        case .clean: Self.pillowBicubic(out, input, output)
        }
      })
  }

  /// Pillow's taps (`Resample.c`, `precompute_coeffs`): Keys' kernel with a = -0.5, stretched over the pixels that an
  /// output pixel covers where the image shrinks, cut at the image's edges and normalised.
  private static func pillowBicubic(_ out: Int, _ input: Int, _ output: Int) -> [(index: Int, weight: Float)] {
    let scale = Double(input) / Double(output)
    let stretch = max(scale, 1)
    let support = 2 * stretch
    let centre = (Double(out) + 0.5) * scale
    let first = max(Int(centre - support + 0.5), 0)
    let last = min(Int(centre + support + 0.5), input)
    let weights = (first..<last).map { keys((Double($0) - centre + 0.5) / stretch) }
    let total = weights.reduce(0, +)
    return zip(first..<last, weights).map { ($0, Float($1 / total)) }
  }

  private static func keys(_ position: Double) -> Double {
    let a = -0.5
    let x = abs(position)
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
  }
}
