using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Simulation;

/// <summary>Servers with a mistake that the simulation must see, for the right reason.</summary>
public class MutantTests
{
    // As many worlds as a quick run of the simulation may have.
    private const int Worlds = 1_000;

    [Fact]
    public void Last_write_wins_where_nobody_asked_for_it_is_caught() => Caught("which its device had not seen",
        script => new Server(Space.Of(script.Definition.Replace("\"a\":{}", "\"a\":{\"merge\":\"lww\"}", StringComparison.Ordinal))));

    [Fact]
    public void A_forgotten_base_check_is_caught() =>
        Caught("which its device had not seen", script => new NoBaseCheck(Space.Of(script.Definition)));

    [Fact]
    public void An_outcome_that_is_stored_after_the_commit_is_caught() =>
        Caught("was not answered with the first bytes", script => new OutcomeAfterCommit(Space.Of(script.Definition)));

    [Fact]
    public void An_effect_that_comes_twice_is_caught() =>
        Caught("was applied 2 times", script => new OutcomeAfterCommit(Space.Of(script.Definition)));

    [Fact]
    public void Own_chains_that_conflict_are_caught() =>
        Caught("was parked without a reason", script => new NothingIsOwn(Space.Of(script.Definition)));

    [Fact]
    public void Parents_that_do_not_meet_what_is_below_them_are_caught() =>
        Caught("which its device had not seen", script => new ParentsDoNotMeet(Space.Of(script.Definition)));

    [Fact]
    public void A_text_that_is_taken_whole_from_one_side_is_caught() => Caught("lost a line of a text",
        script => new Server(Space.Of(script.Definition.Replace("\"text\":{\"merge\":\"text\"}", "\"text\":{\"merge\":\"lww\"}", StringComparison.Ordinal))));

    [Fact]
    public void Forgotten_dependencies_are_caught() =>
        Caught("was applied without", script => new NothingDepends(Space.Of(script.Definition)));

    [Fact]
    public void A_precondition_that_nobody_checks_is_caught() =>
        Caught("was for revision", script => new NoPrecondition(Space.Of(script.Definition)));

    private static void Caught(string reason, Func<Script, Server> mutant) => Assert.True(
        Enumerable.Range(0, Worlds).Any(seed => Simulation.Broken(Script.Of(seed), mutant).Any(broken => broken.Contains(reason, StringComparison.Ordinal))),
        $"In none of {Worlds} worlds anything '{reason}'.");
}
