import Foundation
import Processes
import TestSupport
import Testing
import Training

@Suite struct SharedFolderTests {
  @Test func aFolderOfAllIsFound() throws {
    try withTemporaryFolder { folder in
      _ = try inJob(of: 3) { _ in try SharedFolder.check(folder) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }
  }

  @Test func anotherFolderIsRefusedByAll() throws {
    try withTemporaryFolder { folder in
      for name in ["first", "other"] {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
      }
      let errors = try inJob(of: 3) { group in
        #expect(throws: FolderNotShared.self) {
          try SharedFolder.check("\(folder)/\(group.rank == 2 ? "other" : "first")", patience: .milliseconds(100))
        }
      }
      let error = try #require(errors[0])
      #expect(errors == [error, error, errors[2]])
      #expect(error.description.hasSuffix("sees; give a folder that all hosts share"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/first") == [])
    }
  }
}
