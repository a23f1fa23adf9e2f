using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Simulation;

/// <summary>
/// Devices that work offline and sync in any order, in thousands of small worlds. A failure prints the shortest script that
/// still fails; <see cref="Script.Parse"/> reads it back. <c>SIMULATION_SEEDS</c> asks for more worlds.
/// </summary>
public class SimulationTests
{
    // A few seconds' worth.
    private const int Worlds = 3_000;

    [Fact]
    public void After_any_offline_work_all_devices_agree_and_nobodys_work_is_lost()
    {
        var worlds = int.TryParse(Environment.GetEnvironmentVariable("SIMULATION_SEEDS"), out var asked) ? asked : Worlds;
        var broken = new System.Collections.Concurrent.ConcurrentBag<int>();
        Parallel.For(0, worlds, (seed, loop) =>
        {
            if (Simulation.Broken(Script.Of(seed), Sound).Count > 0)
            {
                broken.Add(seed);
                loop.Break();
            }
        });
        if (!broken.IsEmpty)
        {
            var script = Script.Of(broken.Min()).Shrunk(shorter => Simulation.Broken(shorter, Sound).Count > 0);
            Assert.Fail($"{string.Join('\n', Simulation.Broken(script, Sound))}\n\n{script}");
        }
    }

    private static Server Sound(Script script) => new(Space.Of(script.Definition));

    [Fact]
    public void A_script_is_read_back_as_it_was_printed() =>
        Assert.Equal(Script.Of(7).ToString(), Script.Parse(Script.Of(7).ToString()).ToString());
}
