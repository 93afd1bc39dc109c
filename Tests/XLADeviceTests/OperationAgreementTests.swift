import Agreement
import TensorCore
import Testing

@testable import XLADevice

/// Every kernel on XLA against the CPU backend: values and gradients, element by element.
@Suite("Operations on XLA", .enabled(if: CPUPlugin.isFound))
struct OperationAgreementTests {
  @Test(arguments: Family.allCases)
  func agrees(_ family: Family) throws {
    let backend = XLABackend(try CPUPlugin.client())
    for example in family.examples {
      let agreement = try Agreement(of: example, on: backend)
      #expect(
        agreement.share <= 1, "\(example.name): differs by \(agreement.difference), \(agreement.share) of what may be")
    }
  }

  /// What the comparison is worth: a distance beyond what is allowed, a missing element and NaN are no agreement.
  @Test func disagreementIsSeen() {
    func share(_ found: [[Float]]) -> Double {
      Agreement(found, [[1, 2], [-4]], absolute: 0.1, relative: 0.1).share
    }
    #expect(share([[1, 2], [-4]]) == 0)
    #expect(abs(share([[1, 2.3], [-4]]) - 1) < 1e-6)
    #expect(abs(share([[1, 2], [-3]]) - 2) < 1e-6)
    #expect(share([[1, 2]]) == .infinity)
    #expect(share([[1, .nan], [-4]]) == .infinity)
  }
}
