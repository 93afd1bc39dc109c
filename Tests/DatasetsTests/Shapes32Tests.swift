import Foundation
import TensorCore
import Testing

@testable import Datasets

@Suite struct Shapes32Tests {
  @Test func imagesDependOnSeedAndIndexAlone() throws {
    let set = Shapes32(.train, seed: 7)
    #expect(set.pixels(at: 123) == Shapes32(.train, seed: 7).pixels(at: 123))
    #expect(set.pixels(at: 123) != Shapes32(.train, seed: 8).pixels(at: 123))
    #expect(set.pixels(at: 123) != set.pixels(at: 133))
    let together = try set.batch([5, 123, 9])
    let alone = try set.batch([123])
    #expect(together.images.sliced(axis: 0, 1..<2).elements == alone.images.elements)
    #expect(together.labels == [5, 3, 9])
  }

  @Test func splitsAreDisjoint() {
    var seen: Set<[UInt8]> = []
    for split in Shapes32.Split.allCases {
      let set = Shapes32(split, seed: 1)
      for index in stride(from: 0, to: set.count, by: 97) { seen.insert(set.pixels(at: index)) }
    }
    let drawn = Shapes32.Split.allCases.reduce(0) { $0 + ($1.count + 96) / 97 }
    #expect(seen.count == drawn)
  }

  @Test func classesAreBalancedAndNamed() {
    let set = Shapes32(.reference)
    #expect(
      set.classNames == [
        "disk", "ring", "square", "frame", "triangle", "star", "cross", "stripedDisk", "waffleSquare",
        "crescent",
      ])
    let counts = (0..<set.count).reduce(into: [Int](repeating: 0, count: 10)) {
      $0[Int(set.label(at: $1))] += 1
    }
    #expect(counts == [Int](repeating: 1000, count: 10))
  }

  @Test func shapesStandOutAndStayInside() {
    let set = Shapes32(.train, seed: 3)
    for index in 0..<50 {
      let scene = set.scene(at: index)
      let hues = [scene.backgroundStart, scene.backgroundEnd].map(hueInTurns)
      for hue in hues {
        let difference = abs(hue - scene.hue)
        #expect(min(difference, 1 - difference) > 59.0 / 360)
      }
      for degree in 0..<360 {
        let angle = Float(degree) * .pi / 180
        let beyond = ShapeKind.reach * scene.size * SIMD2(cos(angle), sin(angle))
        #expect(scene.kind.distance(beyond, size: scene.size) > -0.01)
        let edge = scene.centre + beyond
        #expect(edge.min() >= 0 && edge.max() <= 32)
      }
    }
  }

  @Test func areasMatchTheGeometry() {
    // Coverage summed over pixels approximates the area of shapes that have a simple one.
    let size: Float = 10
    let expected: [(ShapeKind, Float)] = [
      (.disk, .pi * 9.5 * 9.5), (.ring, .pi * (9.8 * 9.8 - 5 * 5)), (.square, 15.2 * 15.2),
      (.triangle, 18.6 * 18.6 * Float(3).squareRoot() / 4), (.cross, 2 * 20 * 6 - 6 * 6),
    ]
    for (kind, area) in expected {
      var inside = 0
      let cells = 400
      for y in 0..<cells {
        for x in 0..<cells {
          let point = (SIMD2(Float(x), Float(y)) + 0.5) * 40 / Float(cells) - 20
          if kind.distance(point, size: size) < 0 { inside += 1 }
        }
      }
      let measured = Float(inside) * 1600 / Float(cells * cells)
      #expect(abs(measured - area) < 0.01 * area, "\(kind): \(measured), expected \(area)")
    }
  }

  @Test func attributesDescribeThePicture() {
    let set = Shapes32(.train, seed: 5)
    #expect(set.attributes([0, 1]).shape == [2, 16])
    for index in 0..<200 {
      let attributes = set.attributes(at: index)
      #expect(attributes.count == Shapes32.attributeNames.count)
      #expect(attributes.allSatisfy { $0 >= -1.0001 && $0 <= 1.0001 })
      // The four corners are background: their mean is its mean, their differences its slopes.
      let pixels = set.pixels(at: index)
      let scene = set.scene(at: index)
      let corner = scene.background(at: [0.5, 0.5], imageSide: 32)
      for channel in 0..<3 {
        #expect(abs(Float(pixels[channel]) / 255 - corner[channel]) < 0.003)
        let across = attributes[7 + channel] + attributes[10 + channel]
        let expected = (attributes[4 + channel] + 1) / 2 - across / 2 / Float(2).squareRoot() * 31 / 32
        #expect(abs(corner[channel] - expected) < 0.001)
      }
    }
  }

  @Test func bytesSurviveTheWayThroughTensors() throws {
    let set = Shapes32(.heldOut, seed: 2)
    let batch = try set.batch([0, 17])
    #expect(batch.images.shape == [2, 32, 32, 3])
    #expect(pixelBytes(of: batch.images) == [set.pixels(at: 0), set.pixels(at: 17)])
    #expect(pixelBytes(of: Tensor([-2, 2, 0], [1, 1, 1, 3])) == [[0, 255, 128]])
  }

  private func hueInTurns(_ colour: SIMD3<Float>) -> Float {
    let (high, low) = (colour.max(), colour.min())
    let range = high - low
    let sixth: Float
    if colour.x == high {
      sixth = (colour.y - colour.z) / range
    } else if colour.y == high {
      sixth = 2 + (colour.z - colour.x) / range
    } else {
      sixth = 4 + (colour.x - colour.y) / range
    }
    return (sixth / 6) - (sixth / 6).rounded(.down)
  }
}
