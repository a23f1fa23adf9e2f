using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace SyncServer.Core.Tests;

/// <summary>
/// Properties over generated worlds. A failure prints <c>Replay directly at failing step with (seed,gamma,size)</c>; with these
/// in the environment variable <c>PROPERTY_REPLAY</c>, as <c>seed,gamma,size</c>, the world that failed comes first.
/// </summary>
internal static class Property
{
    private const int Worlds = 1_000;

    // Worlds stay small: collisions of names and values are what finds mistakes.
    private const int Size = 12;

    public static void Holds<T>(Gen<T> world, Action<T> property, int worlds = Worlds)
    {
        var config = Config.QuickThrowOnFailure.WithMaxTest(worlds).WithEndSize(Size).WithQuietOnSuccess(true);
        if (Environment.GetEnvironmentVariable("PROPERTY_REPLAY")?.Split(',') is [var seed, var gamma, var size])
        {
            var rnd = new Rnd(ulong.Parse(seed), ulong.Parse(gamma));
            config = config.WithReplay(FSharpOption<Replay>.Some(new Replay(rnd, FSharpOption<int>.Some(int.Parse(size)))));
        }

        Prop.ForAll(world.ToArbitrary(), property).Check(config);
    }
}
