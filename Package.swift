// swift-tools-version: 6.1
import PackageDescription

/// Warnings are errors in CI (`DD2_STRICT=1`), so that a checkout with a newer compiler still builds for its user.
let strict: [SwiftSetting] =
  Context.environment["DD2_STRICT"] == "1" ? [.unsafeFlags(["-warnings-as-errors"])] : []

/// Reductions may be reassociated so that the kernels vectorise; NaN and infinity keep their meaning.
let kernelFlags: [CSetting] = [
  .unsafeFlags([
    "-O3", "-fno-math-errno", "-fno-trapping-math", "-fassociative-math", "-fno-signed-zeros",
    "-ffp-contract=fast",
  ])
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
  name: "dd2",
  products: [.executable(name: "dd2", targets: ["dd2"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .target(
      name: "CShims", dependencies: ["CPNG", "CJPEG", "CHDF5"], cSettings: kernelFlags,
      linkerSettings: ["crypto", "dl", "m", "z"].map { .linkedLibrary($0) }),
    .target(name: "CPJRT", linkerSettings: [.linkedLibrary("dl")]),
    library("TensorCore", ["CShims"]),
    library("XLADevice", ["CPJRT", "TensorCore", "Artifacts"]),
    .target(name: "CMPI", linkerSettings: [.linkedLibrary("dl")]),
    library("Processes", ["CMPI", "TensorCore"]),
    library("NN", ["TensorCore"]),
    library("Backbone", ["NN"]),
    library("Artifacts", ["CShims"]),
    library("Datasets", ["TensorCore", "Artifacts", "Processes"]),
    library("DD2Teacher", ["Backbone"]),
    library("ScoreNet", ["Backbone"]),
    library("DD2Generator", ["Backbone"]),
    library("FIDEval", ["NN", "Artifacts", "Datasets", "Processes"]),
    .plugin(name: "Commit", capability: .buildTool()),
    .target(name: "CBuild", plugins: ["Commit"]),
    library("Training", ["Backbone", "Artifacts", "CBuild", "Datasets", "Processes"]),
    library("TeacherModels", ["DD2Teacher", "Training"]),
    .target(
      name: "Sampling", dependencies: ["TeacherModels", "ScoreNet", "DD2Generator"],
      resources: ["shared.py", "var.py", "llamagen.py"].map { .embedInCode("Export/\($0)") }, swiftSettings: strict),
    library("Evaluation", ["Sampling", "FIDEval"]),
    library("Distillation", ["Sampling", "FIDEval", .product(name: "Yams", package: "Yams")]),
    .target(
      name: "Reporting", dependencies: ["Distillation", "Evaluation"], resources: [.embedInCode("Page")],
      swiftSettings: strict),
    .executableTarget(
      name: "dd2",
      dependencies: [
        "Distillation", "Evaluation", "Reporting", "XLADevice", "Processes",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "dd2-bench",
      dependencies: [
        "Agreement", "Distillation", "Evaluation", "Processes", "XLADevice",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Benchmarks/dd2-bench", swiftSettings: strict),
    .target(
      name: "Agreement", dependencies: ["TensorCore"], path: "Benchmarks/Agreement", swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["NN", "Artifacts", "XLADevice", "Processes"], path: "Tests/TestSupport",
      resources: [.copy("Goldens")], swiftSettings: strict),
    .target(
      name: "TestModels", dependencies: ["Sampling", "FIDEval"], path: "Tests/TestModels", swiftSettings: strict),
    tests("TensorCore", ["TensorCore", "TestSupport"]),
    tests("XLADevice", ["Agreement", "XLADevice", "TestSupport"]),
    tests("Processes", ["Processes"]),
    tests("NN", ["NN", "TestSupport"]),
    tests("Backbone", ["Backbone", "TestSupport"]),
    tests("Artifacts", ["Artifacts", "TestSupport"]),
    tests("Datasets", ["Datasets", "TestSupport"]),
    tests("DD2Teacher", ["DD2Teacher", "TestSupport"]),
    tests("ScoreNet", ["ScoreNet", "TestSupport"]),
    tests("DD2Generator", ["DD2Generator", "TestSupport"]),
    tests("FIDEval", ["FIDEval", "TestModels", "TestSupport"]),
    tests("Training", ["Training", "TestSupport"]),
    tests("TeacherModels", ["TeacherModels", "TestModels", "TestSupport"]),
    tests("Sampling", ["Sampling", "TestModels", "TestSupport"]),
    tests("Evaluation", ["Evaluation", "TestSupport"]),
    tests("Distillation", ["Distillation", "Evaluation", "TestModels", "TestSupport"]),
    tests("Reporting", ["Reporting", "TestSupport"]),
    tests("StepProgram", ["Distillation", "Evaluation", "XLADevice", "TestModels", "TestSupport"]),
    tests("dd2", ["dd2", "Reporting", "DD2Teacher", "Artifacts", "TestModels", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu17
)
