// swift-tools-version: 6.3
import PackageDescription

/// `SIAMESE_MARCH` picks the instruction set of the numeric kernels (default x86-64-v3: AVX2 and FMA). The results
/// have the same bits for every choice; only the speed differs.
let march = Context.environment["SIAMESE_MARCH"] ?? "x86-64-v3"
/// CI turns warnings into errors; a user's newer compiler, with new warnings, still builds.
let strict: [SwiftSetting] =
    (Context.environment["SIAMESE_STRICT"] ?? "").isEmpty ? [] : [.unsafeFlags(["-warnings-as-errors"])]

/// `SIAMESE_FUZZ` (scripts/fuzz sets it) is the folder of clang's run-time libraries: then everything is built with the counters
/// that libFuzzer steers by, and there is a program `fuzz`. Anybody else has neither.
let fuzzerLibraries = Context.environment["SIAMESE_FUZZ"]
let coverage: [SwiftSetting] = fuzzerLibraries == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer"])]

let common: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + strict + coverage

#if arch(x86_64)
    let instructionSet = ["-Xcc", "-march=\(march)"]
    let requirements: [SwiftSetting] = ["x86-64", "x86-64-v2"].contains(march) ? [] : [.define("REQUIRES_AVX2")]
#else
    let instructionSet: [String] = []
    let requirements: [SwiftSetting] = []
#endif

/// Arithmetic runs at full speed in debug builds and tests too.
let numeric: [SwiftSetting] = common + [.unsafeFlags(["-Ounchecked"] + instructionSet)]
let optimized: [SwiftSetting] = common + [.unsafeFlags(["-O"])]

func room(_ name: String, _ dependencies: [Target.Dependency] = [], _ settings: [SwiftSetting] = common) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: common)
}

let package = Package(
    name: "siamese",
    products: [.executable(name: "siamese", targets: ["siamese"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CVector"),
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CCairo", providers: [.apt(["libcairo2-dev"])]),
        .systemLibrary(name: "CGIF", providers: [.apt(["libgif-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),

        room("Kernels", ["CVector"], numeric),
        room("ModelCore", ["Kernels"], numeric),
        room("Storage", ["CSodium"]),
        room("Datasets", ["ModelCore", "Storage", "CVector", "CZlib"], optimized),
        room("Coordination", [], optimized + [.unsafeFlags(instructionSet)]),
        room("Messaging", ["CZeroMQ"]),
        room("Artifacts", ["ModelCore", "CCairo", "CGIF"], optimized),
        room("Evaluation", ["Kernels", "ModelCore"], optimized + [.unsafeFlags(instructionSet)]),
        room(
            "Runtime",
            [
                "Kernels", "ModelCore", "Storage", "Datasets", "Coordination", "Messaging", "Artifacts", "Evaluation",
                "CLinux",
            ], common + requirements),
        .executableTarget(
            name: "siamese",
            dependencies: [
                "Runtime", "Artifacts", "Datasets", "Evaluation", "Messaging", "ModelCore", "Storage",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: common),

        .target(
            name: "TestKit", dependencies: ["CLinux", "Coordination", "Storage"], path: "Tests/TestKit",
            swiftSettings: optimized),
        tests(of: "Kernels"),
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        tests(of: "ModelCore", ["Artifacts", "AllocationCounter"]),
        tests(of: "Storage", ["TestKit"]),
        tests(of: "Datasets", ["ModelCore", "Storage", "CZlib"]),
        tests(of: "Coordination", ["TestKit"]),
        tests(of: "Messaging", ["CZeroMQ"]),
        tests(of: "Artifacts", ["CCairo", "CGIF", "ModelCore"]),
        tests(of: "Evaluation", ["Artifacts", "ModelCore", "TestKit"]),
        tests(
            of: "Runtime",
            [
                "Artifacts", "CLinux", "Coordination", "Datasets", "Evaluation", "Messaging", "ModelCore", "Storage",
                "TestKit",
            ]),
        .executableTarget(name: "KillAt", path: "Tests/KillAt"),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "AllocationCounter", "Artifacts", "Coordination", "CZlib", "Datasets", "Evaluation", "Messaging",
                "ModelCore", "Runtime", "Storage", "TestKit",
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: optimized),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "TestKit"], swiftSettings: common),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "siamese", "KillAt", "Artifacts", "Coordination", "Messaging", "ModelCore", "Runtime", "Storage",
                "TestKit",
                "CGIF",
            ],
            swiftSettings: common),
    ]
)

/// The benchmarks in Swift use what the modules keep within this package, so they are targets of it; but nobody should fetch or
/// build their harness who does not ask for it, as the scripts of Benchmarks/ do (a package of its own could not look into this
/// one: SwiftPM's `-package-name` overrides any other).
if Context.environment["SIAMESE_BENCHMARKS"] != nil {
    let rooms: [Target.Dependency] = ["Coordination", "Datasets", "Messaging", "ModelCore", "Runtime"]
    func benchmark(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
        .executableTarget(
            name: name, dependencies: rooms + dependencies + [.product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/\(name)", swiftSettings: common,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
    }
    // Without its traits: its own counter of allocations is one more package; ours is one C file.
    package.dependencies.append(
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []))
    package.targets += [
        .target(
            name: "ExchangeParts", dependencies: rooms, path: "Benchmarks/exchange/Parts", swiftSettings: optimized),
        .executableTarget(
            name: "exchange",
            dependencies: rooms + [
                "ExchangeParts", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/exchange/Program", swiftSettings: common),
        benchmark("Times", ["ExchangeParts"]),
        benchmark("Counts", ["AllocationCounter", "ExchangeParts"]),
    ]
}

if let fuzzerLibraries {
    let libFuzzer = "\(fuzzerLibraries)/libclang_rt.fuzzer_no_main-x86_64.a"
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzTargets", "Storage", "TestKit"], path: "Tests/Fuzz/Program",
            swiftSettings: common,
            linkerSettings: [.unsafeFlags(["-Xlinker", libFuzzer, "-Xlinker", "-lstdc++"])]))
}
