import Artifacts
import Foundation
import Testing
@testable import Datasets
@Suite struct GridTMP {
  @Test func grid() throws {
    let s = Shapes32(.train)
    let t = Date()
    _ = try s.batch(Array(0..<20000))
    print("RATE", 20000 / Date().timeIntervalSince(t))
    try PNGImage.grid(images: (0..<80).map { PNGImage(width: 32, height: 32, pixels: s.pixels(at: $0)) }, columns: 10).scaled(by: 3).write("/tmp/data-grid.png")
  }
}
