import Foundation

/// Curves over two axes as an SVG picture.
struct LinePlot {
  /// One curve: its name and its points.
  struct Curve {
    let name: String
    let points: [(x: Double, y: Double)]
  }

  let xLabel: String
  let yLabel: String
  /// At least one curve with a point; all numbers finite.
  let curves: [Curve]
  /// The largest y to show, which some point lies below; curves are cut off above it. Nil shows everything.
  let ceiling: Double?

  private static let (width, height) = (720.0, 440.0)
  private static let (left, right, top, bottom) = (64.0, 700.0, 20.0, 390.0)
  /// Okabe and Ito's colours, which colour-blind people tell apart.
  private static let colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

  /// The picture's text.
  var svg: String {
    let points = curves.flatMap(\.points)
    let (x, y) = (Axis(points.map(\.x)), Axis(points.map { min($0.y, ceiling ?? .infinity) }))
    func place(_ point: (x: Double, y: Double)) -> String {
      let px = Self.left + x.share(point.x) * (Self.right - Self.left)
      let py = Self.bottom - y.share(point.y) * (Self.bottom - Self.top)
      return String(format: "%.1f,%.1f", px, py)
    }
    var lines = [
      "<svg xmlns='http://www.w3.org/2000/svg' width='\(Int(Self.width))' height='\(Int(Self.height))' "
        + "font-family='sans-serif' font-size='13'>",
      "<rect width='100%' height='100%' fill='white'/>",
      "<clipPath id='area'><rect x='\(Self.left)' y='\(Self.top)' width='\(Self.right - Self.left)' "
        + "height='\(Self.bottom - Self.top)'/></clipPath>",
    ]
    for tick in x.ticks {
      let px = Self.left + x.share(tick) * (Self.right - Self.left)
      lines.append(Self.rule(from: (px, Self.top), to: (px, Self.bottom)))
      lines.append(Self.text(axisText(tick), x: px, y: Self.bottom + 18, anchor: "middle"))
    }
    for tick in y.ticks {
      let py = Self.bottom - y.share(tick) * (Self.bottom - Self.top)
      lines.append(Self.rule(from: (Self.left, py), to: (Self.right, py)))
      lines.append(Self.text(axisText(tick), x: Self.left - 6, y: py + 4, anchor: "end"))
    }
    lines.append(Self.text(xLabel, x: (Self.left + Self.right) / 2, y: Self.height - 12, anchor: "middle"))
    lines.append(Self.text(yLabel, x: 6, y: 14, anchor: "start"))
    for (i, curve) in curves.enumerated() {
      let colour = Self.colours[i % Self.colours.count]
      let path = curve.points.map(place).joined(separator: " ")
      lines.append(
        "<polyline points='\(path)' fill='none' stroke='\(colour)' stroke-width='2' clip-path='url(#area)'/>")
      let row = Self.top + 18 * Double(i + 1)
      lines.append(Self.text(curve.name, x: Self.right - 8, y: row, anchor: "end", colour: colour))
    }
    return (lines + ["</svg>", ""]).joined(separator: "\n")
  }

  private func axisText(_ value: Double) -> String { String(format: "%g", value) }

  private static func rule(from a: (Double, Double), to b: (Double, Double)) -> String {
    String(format: "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='#ddd'/>", a.0, a.1, b.0, b.1)
  }

  private static func text(_ text: String, x: Double, y: Double, anchor: String, colour: String = "#222") -> String {
    let escaped = text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    return String(format: "<text x='%.1f' y='%.1f' ", x, y)
      + "text-anchor='\(anchor)' fill='\(colour)'>\(escaped)</text>"
  }

  /// A range with ticks at 1, 2 or 5 times a power of ten.
  private struct Axis {
    let ticks: [Double]

    init(_ values: [Double]) {
      let (low, high) = (values.min() ?? 0, values.max() ?? 1)
      let span = high > low ? high - low : max(abs(low), 1)
      let power = pow(10, floor(log10(span / 5)))
      let step = [1, 2, 5, 10].map { $0 * power }.first { span / $0 <= 7 } ?? span
      let first = Int(floor(low / step))
      ticks = (first...max(first + 1, Int(ceil(high / step)))).map { Double($0) * step }
    }

    /// Where a value lies between the first tick (0) and the last (1).
    func share(_ value: Double) -> Double { (value - ticks[0]) / (ticks[ticks.count - 1] - ticks[0]) }
  }
}
