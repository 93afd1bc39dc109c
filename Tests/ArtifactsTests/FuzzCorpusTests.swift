import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Files that fuzzing found, a few for each path through a reader: `scripts/fuzz.sh`.
@Suite struct FuzzCorpusTests {
  static let corpus = URL(filePath: #filePath).deletingLastPathComponent().path + "/../Fuzz/Corpus"

  @Test(arguments: FuzzedReader.allCases) func everyFileIsReadOrRefused(_ reader: FuzzedReader) throws {
    let folder = "\(Self.corpus)/\(reader)"
    let names = try FileAccess.names(in: folder)
    #expect(names.count > 10)
    var refused = 0
    for name in names {
      do {
        try reader.read(folder + "/" + name)
      } catch let error as ArtifactError {
        refused += 1
        #expect(FuzzedReader.fault(of: error) == nil, "\(name)")
      }
    }
    #expect(refused > 0 && refused < names.count)
  }
}
