import Artifacts
import DD2Teacher
import Foundation
import Sampling
import TestModels
import TestSupport
import Testing

@testable import dd2

/// Images are drawn by all processes of a job into one folder, which is then that of one process.
@Suite("Sampling by several processes") struct SpreadSamplingTests {
  @Test func theFirstAloneTalks() throws {
    #expect(try inJob(of: 2) { _ in Log.showsWarnings } == [true, false])
  }

  @Test func theFolderIsThatOfOneProcess() throws {
    try withTemporaryFolder { folder in
      let teacher = try TinyTeacher.nextToken.load(in: folder)
      @Sendable func draw(_ name: String) throws {
        let options = try SampleOptions.parse(["-o", "\(folder)/\(name)", "--count", "23", "--batch", "5", "--grid"])
        let sampler = TeacherSampler(teacher: teacher.teacher, guidance: Guidance())
        let record = SampleRecord.teacher(
          teacher, guidance: Guidance(), greedy: false, callsPerImage: sampler.callsPerImage, options: options)
        try SamplingRun(
          options: options, tokensOut: "\(folder)/\(name).h5", sampler: sampler, classNames: teacher.classNames
        ).run(record)
      }
      try draw("alone")
      _ = try inJob(of: 3) { _ in try draw("job") }
      // Once more into the same folder, whose images are replaced.
      _ = try inJob(of: 2) { _ in try draw("job") }
      func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: "\(folder)/\(name)")) }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/alone").sorted()
      #expect(names.count == 25)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/job").sorted() == names)
      for name in names where name.hasSuffix(".png") {
        #expect(try bytes("job/" + name) == bytes("alone/" + name), "\(name)")
      }
      #expect(try bytes("job.h5") == bytes("alone.h5"))
      let record = try #require(
        try JSONSerialization.jsonObject(with: bytes("job/samples.json")) as? [String: Any])
      #expect(record["completed"] as? Int == 23 && record["images_per_second"] != nil)
    }
  }
}
