import Foundation
import TestSupport
import Testing

@testable import TensorCore

@Suite struct RandomStreamTests {
  /// Random123's `kat_vectors` for philox4x32, 10 rounds.
  @Test func knownAnswers() {
    let ones = UInt32.max
    let answers: [(counter: [UInt32], key: [UInt32], block: [UInt32])] = [
      ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        [ones, ones, ones, ones], [ones, ones], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ]
    for (c, key, expected) in answers {
      let block = RandomStream.philox(counter: (c[0], c[1], c[2], c[3]), key: (key[0], key[1]))
      #expect([block.0, block.1, block.2, block.3] == expected)
    }
  }

  @Test func everyPartOfTheKeyMatters() {
    func bits(_ stream: RandomStream) -> [UInt32] {
      var stream = stream
      return (0..<6).map { _ in stream.nextBits() }
    }
    let base = bits(RandomStream(seed: 1, purpose: "a", step: 2, index: 3))
    #expect(base == bits(RandomStream(seed: 1, purpose: "a", step: 2, index: 3)))
    let others = [
      RandomStream(seed: 2, purpose: "a", step: 2, index: 3),
      RandomStream(seed: 1, purpose: "b", step: 2, index: 3),
      RandomStream(seed: 1, purpose: "a", step: 3, index: 3),
      RandomStream(seed: 1, purpose: "a", step: 2, index: 4),
      RandomStream(seed: 1, purpose: "a", step: 3, index: 2),
      RandomStream(seed: 1, purpose: "a", step: 2 + 1 << 32, index: 3),
      RandomStream(seed: 1, purpose: "a", step: 2, index: 3 + 1 << 32),
      RandomStream(seed: 1, purpose: "a", step: 2 + 1 << 47, index: 3),
      RandomStream(seed: 1, purpose: "a", step: 2, index: 3 + 1 << 47),
    ].map(bits)
    #expect(Set(others + [base]).count == 10)
  }

  /// What kernels draw is what the host's streams draw, bit for bit, also where numbers need more than 32 bits.
  @Test(arguments: [0, 3, 5 + 1 << 32, 9 + 1 << 47]) func kernelsDrawWhatStreamsDraw(step: Int) {
    let samples = [0, 7, 7, 1 << 31, 1 << 32, 5 + 1 << 33, 1 + 1 << 47]
    let numbers = RandomNumbers(seed: 9, purpose: "test", step: RandomCounter(step))
    func expected<Number>(_ samples: [Int], _ draw: (inout RandomStream) -> Number) -> [Number] {
      samples.flatMap { sample -> [Number] in
        var stream = RandomStream(seed: 9, purpose: "test", step: step, index: sample)
        return (0..<15).map { _ in draw(&stream) }
      }
    }
    // Rows of odd width: the second of Box-Muller's last pair is not the next row's.
    let (shape, rows): (Shape, RandomCounter) = ([7, 5, 3], RandomCounter(samples))
    #expect(numbers.normal(shape, samples: rows).elements == expected(samples) { $0.normal() })
    #expect(numbers.uniform(shape, samples: rows).elements == expected(samples) { $0.uniform() })
    #expect(numbers.uniform(shape, in: -2..<3, samples: rows).elements == expected(samples) { $0.uniform(-2, 3) })
    for bound in [1, 7, 16_384, Int(Int32.max)] {
      let found = numbers.integers(shape, below: bound, samples: rows)
      #expect(found.shape == shape && found.values == expected(samples) { Int32($0.integer(below: bound)) })
    }
    // Without samples, row i is that of sample i; here on every thread.
    let many = Array(0..<4000)
    let (normal, integers) = (numbers.normal([4000, 15]).elements, numbers.integers([4000, 15], below: 9).values)
    #expect(zip(normal, expected(many) { $0.normal() }).allSatisfy(==))
    #expect(zip(integers, expected(many) { Int32($0.integer(below: 9)) }).allSatisfy(==))
  }

  @Test func aSampleDoesNotDependOnItsBatch() {
    let together = Tensor.normal([6, 5], seed: 3, purpose: "noise", step: 1, firstIndex: 10)
    let alone = Tensor.normal([1, 5], seed: 3, purpose: "noise", step: 1, firstIndex: 13)
    #expect(together.sliced(axis: 0, 3..<4).elements == alone.elements)
    let longer = Tensor.normal([1, 9], seed: 3, purpose: "noise", step: 1, firstIndex: 13)
    #expect(longer.sliced(axis: 1, 0..<5).elements == alone.elements)
  }

  /// Standard errors of 400,000 normals: mean 0.0016, variance 0.0022, skewness 0.0039, kurtosis 0.0077.
  @Test func momentsOfNormals() {
    let x = Tensor.normal([400, 1000], seed: 11, purpose: "moments").elements.map(Double.init)
    func moment(_ power: Int) -> Double {
      x.reduce(0) { sum, value in sum + pow(value, Double(power)) } / Double(x.count)
    }
    #expect(abs(moment(1)) < 0.007)
    #expect(abs(moment(2) - 1) < 0.01)
    #expect(abs(moment(3)) < 0.02)
    #expect(abs(moment(4) - 3) < 0.05)
    // Neighbours, which Box-Muller makes in pairs, are uncorrelated.
    let lag = zip(x, x.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / Double(x.count)
    #expect(abs(lag) < 0.007)
  }

  @Test func uniformNumbers() {
    let x = Tensor.uniform([100, 1000], low: -2, high: 3, seed: 5, purpose: "u").elements
    #expect(x.allSatisfy { $0 >= -2 && $0 < 3 })
    let mean = x.reduce(0) { $0 + Double($1) } / Double(x.count)
    #expect(abs(mean - 0.5) < 0.02)
    var stream = RandomStream(seed: 1, purpose: "integers")
    let counts = (0..<70_000).reduce(into: [Int](repeating: 0, count: 7)) { counts, _ in
      counts[stream.integer(below: 7)] += 1
    }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 450 })
  }
}
