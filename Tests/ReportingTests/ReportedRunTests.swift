import Artifacts
import Distillation
import Foundation
import TestSupport
import Testing
import Training

@testable import Reporting

@Suite("Runs as reports show them") struct ReportedRunTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("a<b") }

  init() throws { folder = try TemporaryFolder() }

  /// A run of two updates with a stage before.
  private func makeRun(_ change: (inout DistillationConfiguration) -> Void = { _ in }) throws {
    var settings = DistillationPreset.shapes32LlamaGen.configuration
    settings.steps = 2
    settings.data = "shapes32"
    change(&settings)
    try folder.write(Data(), "teacher.h5")
    let record = DistillationRecord(settings, teacher: try RecordedFile(at: folder.file("teacher.h5")))
    for (name, steps) in [("/stage1", [1, 2, 3]), ("", [0, 1, 2])] {
      let run = try OpenRun(path + name, settings: record, command: "dd2 distill <&>").directory
      let log = try run.metricLog()
      for step in steps {
        try log.append(step: step, values: [("gts", Double(step)), ("seconds", 60)] + (step == 0 ? [("fid", 9)] : []))
      }
    }
  }

  @Test func whatWasRun() throws {
    try makeRun { $0.batch = 7 }
    let run = try ReportedRun(folder: path)
    #expect(run.name == "a<b" && run.method == "dd2" && run.preset == "shapes32-llamagen")
    let changed = run.settings.filter { $0.usual != nil }
    #expect(
      changed == [
        ReportedRun.Setting(name: "steps", value: "2", usual: "60"),
        ReportedRun.Setting(name: "data", value: "shapes32", usual: "null"),
        ReportedRun.Setting(name: "batch", value: "7", usual: "24"),
      ])
    let facts = Dictionary(uniqueKeysWithValues: run.facts.map { ($0[0], $0[1]) })
    #expect(facts["command"] == "dd2 distill <&>" && facts["updates"] == "2 of 2" && facts["learns from"] == "shapes32")
    #expect(facts["teacher"] == "teacher.h5, sha256 e3b0c44298fc")
  }

  @Test func howFarItIs() throws {
    try makeRun()
    #expect(try ReportedRun(folder: path).state == .failed)
    try folder.write(Data(), "a<b/checkpoints/step-00000002.h5")
    #expect(try ReportedRun(folder: path).state == .stopped)
    try folder.write(Data(), "a<b/generator.h5")
    #expect(try ReportedRun(folder: path).state == .finished)
    let lock = try WriterLock(folder: path)
    #expect(try ReportedRun(folder: path).state == .running)
    withExtendedLifetime(lock) {}
  }

  @Test func itsCurves() throws {
    try makeRun()
    let stages = try ReportedRun(folder: path).stages
    #expect(stages.map(\.name).sorted() == ["", "stage1"])
    let own = try #require(stages.first { $0.name == "" })
    #expect(own.steps == [0, 1, 2] && own.seconds == [60, 60, 60] && own.processorSeconds == [nil, nil, nil])
    #expect(own.series.map(\.name) == ["fid", "gts"])
    #expect(own.series.map(\.values) == [[9, nil, nil], [0, 1, 2]])
  }

  @Test func longLogsAreThinnedAndScoresKept() {
    let records = (0..<9000).map { ["step": Double($0), "fcs": 1].merging($0 == 4001 ? ["fid": 3] : [:]) { $1 } }
    let stage = ReportedRun.Stage(name: "", records: records)
    #expect(stage.steps.count == 2252 && stage.steps.contains(4001) && stage.steps.last == 8999)
    let fcs = stage.series.first { $0.name == "fcs" }
    #expect(fcs?.healthyTo == 3 && fcs?.healthyFrom == nil && fcs?.about.isEmpty == false)
  }

  @Test func someSnapshotsAndTheLast() throws {
    try makeRun()
    let picture = RGBImage(width: 2800, height: 2, pixels: .init(repeating: 9, count: 2800 * 6))
    for step in 1...50 { try picture.write(RunDirectory(path: path).snapshotPath(step: step)) }
    let snapshots = try ReportedRun(folder: path).snapshots
    #expect(snapshots.count == 24 && snapshots.first?.step == 2 && snapshots.last?.step == 50)
    let encoded = try #require(snapshots.first?.image.split(separator: ",").last)
    let image = try RGBImage.decode(try #require(Data(base64Encoded: String(encoded))), path: "")
    #expect((image.width, image.height) == (1400, 1))
  }

  /// The data end where they end, whatever names are in them.
  @Test func thePagesDataReadBack() throws {
    try makeRun()
    let page = ReportPage([try ReportedRun(folder: path)], createdBy: "dd2 <test>")
    try page.write(folder.file("page.html"))
    let text = String(decoding: try folder.contents("page.html"), as: UTF8.self)
    let data = try #require(text.firstMatch(of: /<script type="application\/json" id="data">([^<]*)<\/script>/))
    let object = try JSONSerialization.jsonObject(with: Data(data.1.utf8)) as? [String: Any]
    #expect(object?["createdBy"] as? String == "dd2 <test>")
    #expect((object?["runs"] as? [[String: Any]])?[0]["name"] as? String == "a<b")
    #expect(text.contains("<title>a&lt;b - dd2</title>"))
  }

  private static let browser = ["/usr/bin/chromium", "/usr/bin/google-chrome"].first(where: FileAccess.exists)

  /// The script draws all curves in a real browser, where there is one.
  @Test(.enabled(if: browser != nil)) func aBrowserDrawsIt() throws {
    try makeRun()
    try ReportPage([try ReportedRun(folder: path)], createdBy: "dd2").write(folder.file("page.html"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.browser ?? "")
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom",
      "--user-data-dir=" + folder.file("profile"), "file://" + folder.file("page.html"),
    ]
    let pipe = Pipe()
    (process.standardOutput, process.standardError) = (pipe, FileHandle.nullDevice)
    try process.run()
    let page = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // FID and gts of stage 2 with its speed; gts of stage 1 with its speed, which no seconds passed in.
    #expect(page.components(separatedBy: "<canvas").count - 1 == 3)
    #expect(page.contains("failed"))
  }
}
