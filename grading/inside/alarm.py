"""Arrêter un programme quand son temps de processeur est passé, sans perdre ce qui est noté."""

import contextlib
import signal


class OutOfTimeError(BaseException):
    """Le temps de l'exécution est passé ; ce qui est déjà noté reste."""


@contextlib.contextmanager
def alarm(seconds: int, seen):
    """Arrête le programme, par une exception, quand son temps de processeur est passé.

    Keras finit d'abord ce qu'il calcule : l'interrompre arrêterait tout le processus.

    Args:
        seconds: temps accordé.
        seen: où il est dit que le temps a manqué (`watching.Seen`).
    """

    def ring(*_):
        seen.late = seen.said["late"] = True
        if not seen.busy:
            raise OutOfTimeError

    seen.late = False
    signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        with contextlib.suppress(OutOfTimeError):
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
