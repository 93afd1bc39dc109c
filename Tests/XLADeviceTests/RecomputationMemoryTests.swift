import TensorCore
import Testing
import XLADevice

@Suite("Recomputation on XLA", .enabled(if: CPUPlugin.isFound)) struct RecomputationMemoryTests {
  /// Bytes between arguments and results of the gradients of twelve blocks.
  private func temporary(recomputes: Bool) throws -> Int {
    let backend = XLABackend(try CPUPlugin.client())
    Backends.$override.withValue(backend) {
      let x = Tensor([Float](repeating: 0.1, count: 256 * 64), [256, 64])
      let weights = (0..<12).map { index in
        Tensor((0..<(64 * 64)).map { Float(($0 * 7 + index) % 11) * 0.02 - 0.1 }, [64, 64]).asLeaf()
      }
      let gradients = Backends.step {
        let y = recomputing(recomputes) {
          weights.reduce(x) { x, weight in
            recomputable(x) { x in x + x.matmul(weight).silu().matmul(weight).gelu().matmul(weight) }
          }
        }
        return y.square().sum().gradients(withRespectTo: weights)
      }
      #expect(gradients[0].elements.contains { $0 != 0 })
    }
    return try #require(backend.largestProgram).temporary
  }

  /// The compiler does not take the results of the first run for those of the second.
  @Test func blocksThatAreComputedAgainKeepLess() throws {
    let (kept, again) = (try temporary(recomputes: false), try temporary(recomputes: true))
    #expect(again * 2 < kept, "\(again) bytes and \(kept)")
  }
}
