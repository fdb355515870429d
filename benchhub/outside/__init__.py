"""The world around this process: variables, extensions, files, output, secrets, limits."""

from benchhub.outside.extensions import EXTENSIONS as EXTENSIONS
from benchhub.outside.extensions import Extension as Extension
from benchhub.outside.extensions import ExtensionPoint as ExtensionPoint
from benchhub.outside.variables import VARIABLES as VARIABLES
from benchhub.outside.variables import Variable as Variable
from benchhub.outside.variables import VariableMeaning as VariableMeaning
